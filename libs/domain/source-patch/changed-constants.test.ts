// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { changedConstants } from './changed-constants';

const source = `/* Flags.
 * #define IN_COMMENT 1
 */
#define FLAG_DEAD	0x2	/* gone */
#define FLAG_IDLE BIT(3)
#define GFP_ODD \\
	((__force gfp_t)0x100u | \\
	 FLAG_DEAD)
#ifdef CONFIG_WIDE
#define BYTES 64
#else
#define BYTES 32
#endif
#define HAS_IT
#define current get_current()
#define step(value) ((value) + 1)
#define NAME "text"
#define LETTER 'a'
`;

const changes = (find: string, put: string) => {
  expect(source).toContain(find);
  const found = changedConstants({ file: 'x.h', before: source, after: source.replace(find, put) });
  return found.map(({ line, name, before, after }) => [line, name, before, after]);
};

test.each([
  ['0x2\t', '0x4\t', [4, 'FLAG_DEAD', '0x2', '0x4']],
  ['BIT(3)', 'BIT(4)', [5, 'FLAG_IDLE', 'BIT(3)', 'BIT(4)']],
  ['0x100u', '0x200u', [6, 'GFP_ODD', '((__force gfp_t)0x100u | FLAG_DEAD)', '((__force gfp_t)0x200u | FLAG_DEAD)']],
  ['BYTES 32', 'BYTES 48', [12, 'BYTES', '32', '48']],
  ["'a'", "'b'", [18, 'LETTER', "'a'", "'b'"]],
  ['BYTES 64', 'BYTES sizeof(long)', [10, 'BYTES', '64', 'sizeof(long)']],
])('%j to %j', (find, put, expected) => {
  expect(changes(find, put)).toEqual([expected]);
});

test.each([
  ['IN_COMMENT 1', 'IN_COMMENT 2'],
  ['/* gone */', '// gone'],
  ['BIT(3)', ' BIT(3) '],
  ['get_current()', 'read_current()'],
  ['(value) + 1', '(value) + 2'],
  ['"text"', '"other"'],
  ['#define HAS_IT\n', '#define HAS_IT\n#define NEW_ONE 3\n'],
  ['#define FLAG_IDLE BIT(3)\n', ''],
])('no constant, no other one, or one that is new or gone: %j to %j', (find, put) => {
  expect(changes(find, put)).toEqual([]);
});
