// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { placesFor, placesIn, type ChangedFile } from './authors-places';

const source = `#include "x.h"

/* What there is of it. */
static int limits[4] __read_mostly = { 1, 2 };

struct state {
	int users;
};

static inline int step(int value)
{
	return value + 1;
}

SYSCALL_DEFINE1(walk, int, value)
{
	return step(value);
}

static int __init setup(void)
{
	return step(limits[0]);
}
`;

const edit = (find: string, put: string, file = 'fs/a.c'): ChangedFile => {
  expect(source).toContain(find);
  return { file, before: source, after: source.replace(find, put) };
};

test.each([
  ['{ 1, 2 }', '{ 1, 3 }', 4, 'limits'],
  ['\tint users;\n', '\tint users;\n\tint readers;\n', 8, 'state'],
  ['value + 1', 'value + 2', 12, 'step'],
  ['\treturn step(value);', '\tif (value)\n\t\treturn 0;\n\treturn step(value);', 17, 'walk'],
  ['#include "x.h"\n', '#include "x.h"\n#define SIZE 4\n', 2, 'SIZE'],
])('%j to %j is at line %d, in %s', (find, put, line, item) => {
  expect(placesIn(edit(find, put))).toEqual([{ file: 'fs/a.c', line, item }]);
});

test('of variables that stand line by line the one is told whose line it is', () => {
  const before =
    "static DEFINE_SPINLOCK(lock);\nstatic char end = '}'; /* { */\nstatic long users,\n\tmost = 4;\nstatic long count;\n";
  const after = before.replace('most = 4', 'most = 5');
  expect(placesIn({ file: 'fs/a.c', before, after })).toEqual([{ file: 'fs/a.c', line: 4, item: 'most' }]);
});

test('what is taken away is told where it was; what only moves is no change', () => {
  const gone = { file: 'fs/a.c', before: source, after: source.replace(/static inline[^}]*}\n\n/, '') };
  expect(placesIn(gone)).toEqual([{ file: 'fs/a.c', line: 10, item: 'step' }]);
  expect(placesIn(edit('/* What', '\n\n/* What'))).toEqual([]);
});

test('a new file is all its author’s', () => {
  const made = placesIn({ file: 'fs/n.c', before: null, after: 'int one;\n\nint two(void)\n{\n\treturn 2;\n}\n' });
  expect(made.map(({ line, item }) => `${line} ${item}`)).toEqual(['1 one', '3 two']);
});

test('a refusal of what the author changed is of that; of a neighbour, of what of the diff it uses', () => {
  const files = [edit('value + 1', 'value + 2'), edit('{ 1, 2 }', '{ 2, 2 }', 'fs/b.c')];
  const items = (item: string | undefined): string[] =>
    placesFor({ item, source: 'fs/a.c' }, files).map((place) => `${place.file} ${place.item}`);
  expect(items('step.isra.0')).toEqual(['fs/a.c step']);
  expect(items('setup')).toEqual(['fs/a.c step', 'fs/b.c limits']);
  expect(items('state')).toEqual(['fs/a.c step']);
  expect(items(undefined)).toEqual(['fs/a.c step']);
  expect(placesFor({ item: 'other', source: 'fs/c.c' }, files)).toHaveLength(2);
});
