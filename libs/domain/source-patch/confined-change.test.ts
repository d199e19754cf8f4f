// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { changedInlineFunctions } from './confined-change';

const header = `/* SPDX { */
#ifndef H
#define H \\
	1
#include <a.h>
struct s { int a; };
#ifdef CONFIG_A
static inline int one(struct s *s) /* it's */
{
	// one
	return s->a;
}
#else
static inline int one(struct s *s) { return 0; }
#endif
static __always_inline void two(void)
{
#ifdef CONFIG_B
	call(1);
#endif
}
#endif
`;
const changed = (from: string, to: string): string[] | undefined => {
  expect(header).toContain(from);
  const names = changedInlineFunctions(header, header.replace(from, to));
  return names === undefined ? undefined : [...names];
};

test('names the inline functions of which the body alone differs, in any branch', () => {
  expect(changed('return s->a', 'return s->a ? "}" : 0')).toEqual(['one']);
  expect(changed('return 0;', 'call();')).toEqual(['one']);
  expect(changed("/* it's */", '')).toEqual([]);
  expect(changed('\n#else', '\n#line 100\n\n#else')).toEqual([]);
});

test.each([
  ['a type', 'int a;', 'int b;'],
  ['a parameter', 'one(struct s *s) {', 'one(struct s *t) {'],
  ['a macro', 'H \\\n\t1', 'H \\\n\t2'],
  ['a condition', 'ifdef CONFIG_A', 'ifdef CONFIG_C'],
  ['a body with directives', 'call(1)', 'call(2)'],
  ['a new directive in a body', 'return 0;', '\n#define X\nreturn 0;'],
  ['an include', '<a.h>', '<b.h>'],
  ['a new function', '#ifdef CONFIG_A', 'static inline int three(void) { return 3; }\n#ifdef CONFIG_A'],
  ['a function that is no longer inline', 'static inline int one(struct s *s) {', 'static int one(struct s *s) {'],
  ['a comment that swallows the end', "/* it's */", "/* it's "],
  ['a brace more', '// one', '} static int g(void) {'],
])('cannot say what else %s changes', (_, from, to) => {
  expect(changed(from, to)).toBeUndefined();
});
