// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { regionsLike, regionsOf, withLineNumbers } from './line-numbers';
import { withTypesAsBefore } from './types-as-before';

const before = `#include "x.h"

struct held {
	int one;
};

/* Another. */
struct other {
	int one;
};

int work(struct held *held)
{
	return held->one;
}
`;
const after = before
  .replace('struct held {\n', 'struct held {\n\tint added;\n')
  .replace('struct other {\n', 'struct other {\n\tint added;\n')
  .replace('return held->one', 'return held->one + 1');

/** As a patch build writes it. */
const numbered = (text: string): string => withLineNumbers(regionsLike(regionsOf(before), text));

test('only the types that are named are as they were, at the lines where they are', () => {
  const expected = after.replace('struct held {\n\tint added;\n', 'struct held {\n');
  expect(withTypesAsBefore(before, after, new Set(['held']))).toBe(expected);
  const made = withTypesAsBefore(before, numbered(after), new Set(['held'])) ?? '';
  expect(made.replace(/^#line \d+\n/gm, '')).toBe(expected);
  expect(made).toContain('#line 14\nint work');
});

test('a source that defines none of them in another way', () => {
  expect(withTypesAsBefore(before, after, new Set(['elsewhere', 'work2']))).toBeUndefined();
  expect(withTypesAsBefore(before, before, new Set(['held']))).toBeUndefined();
});
