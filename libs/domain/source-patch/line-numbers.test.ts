// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { regionsLike, regionsOf, withLineNumbers } from './line-numbers';

/** A file as the compiler counts it: each line with its number, `#line` obeyed. */
function counted(text: string): [number, string][] {
  let number = 1;
  return text.split('\n').flatMap((line): [number, string][] => {
    const directive = /^#line (\d+)$/.exec(line)?.[1];
    if (directive === undefined) return [[number++, line]];
    number = Number(directive);
    return [];
  });
}

const keep = (original: string, changed: string): string => withLineNumbers(regionsLike(regionsOf(original), changed));

const source = `#include <a.h>
#define WRAP(x) do { \\
	x; \\
} while (0)

static int users;

/* first */
int first(int value)
{
	if (value)
		goto out;

out:
	return __LINE__;
}
EXPORT_SYMBOL(first);

int second(void)
{
	return __LINE__;
}
static const int third[] = {
	[0] = __LINE__,
};
`;

describe('a hunk moves no lines but those of what it changes', () => {
  const changed = source
    .replace('\tif (value)', '\tvalue++;\n\tvalue--;\n\tif (value)')
    .replace('#include <a.h>', '#include <a.h>\n#include <b.h>');

  test('what follows keeps its numbers, what is changed has those of the new file', () => {
    const of = (text: string) =>
      counted(text)
        .filter(([, line]) => line.includes('__LINE__'))
        .map(([number]) => number);
    expect(of(source)).toEqual([15, 21, 24]);
    expect(of(keep(source, changed))).toEqual([18, 21, 24]);
  });

  test.each(['gcc', 'clang-14'])('%s counts so, too', (compiler) => {
    const numbers = (text: string) =>
      execFileSync(compiler, ['-E', '-P', '-x', 'c', '-'], { input: text.replace(/#include.*/g, ''), encoding: 'utf8' })
        .match(/\b\d\d\b/g)
        ?.map(Number);
    expect(numbers(source)).toEqual([15, 21, 24]);
    expect(numbers(keep(source, changed))).toEqual([18, 21, 24]);
  });

  test('what is not changed has no directives', () => {
    expect(keep(source, source)).toBe(source);
    const oneConstant = source.replace('value)\n\t\tgoto', 'value > 1)\n\t\tgoto');
    expect(keep(source, oneConstant)).toBe(oneConstant);
  });

  test('macros that go on and arguments that do are not cut', () => {
    const macro = '#define A \\\n{ \\\n} \\\n+ 1\nint a;\n';
    const call = 'struct s x = MAKE(({\n})\n, 2);\nint b;\n';
    for (const text of [macro, call]) expect(regionsOf(text)).toHaveLength(1);
  });
});

const line = fc.constantFrom(
  'int a;',
  '',
  '}',
  '};',
  'out:',
  '\tx = __LINE__;',
  '#define X \\',
  '} \\',
  '/* c',
  '})',
  'int f(void)',
  '{',
);
const text = fc.array(line, { maxLength: 40 }).map((lines) => lines.map((one) => `${one}\n`).join(''));

test('only directives are added, and what is as before is where it was', () => {
  fc.assert(
    fc.property(text, text, (original, changed) => {
      const kept = keep(original, changed);
      expect(
        counted(kept)
          .map(([, content]) => content)
          .join('\n'),
      ).toBe(changed);
      const before = regionsOf(original);
      const regions = regionsLike(before, changed);
      expect(regions.map((region) => region.text).join('')).toBe(changed);
      const free = [...before];
      for (const { text: same, firstLine } of regions) {
        const at = free.findIndex((region) => region.text === same);
        if (at >= 0) expect(free.splice(at, 1)[0]?.firstLine).toBe(firstLine);
      }
    }),
  );
});
