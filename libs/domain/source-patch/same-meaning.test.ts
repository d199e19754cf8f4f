// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { meansTheSame, unreachedFunctions } from './same-meaning';

const same = (before: string, after: string): boolean => meansTheSame(before, after);

const inline = (name: string, value: string): string => `static inline int ${name}(int a) { return a + ${value}; }\n`;
const user = 'int user(void) { return other(1); }\n';
const text = `struct s { int a; };\n${inline('one', '1')}${inline('other', '"}" [0]')}${user}`;

describe('two versions of a preprocessed source', () => {
  test.each([
    ['the same', text, text],
    ['lines that end elsewhere', text, text.replace('{ return', '{\n\n return')],
    ['an inline function that nobody calls', text, text.replace('a + 1', 'a + 2')],
    ['a prototype that nobody uses', text, `int fresh(const char *, ...);\n${text}`],
    [
      'both at once, with harmless attributes',
      text,
      `static inline __attribute__((__unused__)) int f(void) { return 1; }\nint g(void) __attribute__((pure));\n${text}`,
    ],
    [
      'one that only an inline function that nobody calls calls',
      `${text}${inline('caller', 'one(1)')}`,
      `${text}${inline('caller', 'one(1)')}`.replace('a + 1', 'a + 2'),
    ],
  ])('mean the same: %s', (_, before, after) => {
    expect(same(before, after)).toBe(true);
    expect(same(after, before)).toBe(true);
  });

  test.each([
    ['an inline function that is called', text, text.replace('"}"', '"{"')],
    [
      'one that is called through another',
      `${text}${inline('other2', 'one(1)')}int b(void) { return other2(1); }`,
      `${text}${inline('other2', 'one(1)')}int b(void) { return other2(1); }`.replace('a + 1', 'a + 2'),
    ],
    ['spaces in a string', `${text}char c[] = "a  b";`, `${text}char c[] = "a b";`],
    ['a type', text, text.replace('int a;', 'int a, b;')],
    ['a function of which code follows', text, `${text}static int fresh(void) { return 1; }`],
    ['an inline function that is kept', text, `${text}static inline __attribute__((used)) int f(void) { return 1; }`],
    ['a variable', text, `${text}int v;`],
    ['a pointer to functions', text, `${text}int (*v)(void);`],
    ['assembly', text, `${text}__asm__ volatile ("nop");`],
    ['a prototype that renames', text, `int user(void) __asm__("f");\n${text}`],
    ['what goes on where the other ends', `${text}int`, `${text}int f(void) { return 1; }`],
    ['the order of what is the same', `int a;\n${text}int b;\n`, `int b;\n${text}int a;\n`],
    [
      'one that is named by its address',
      `${text}int (*p)(int) = one;`,
      `${text}int (*p)(int) = one;`.replace('a + 1', 'a + 2'),
    ],
  ])('may mean something else: %s', (_, before, after) => {
    expect(same(before, after)).toBe(false);
    expect(same(after, before)).toBe(false);
  });

  test('the inline functions that nothing calls', () => {
    expect(unreachedFunctions(`${text}${inline('through', 'one(2)')}`)).toEqual(['one', 'through']);
    expect(unreachedFunctions(`${text}${inline('through', 'one(2)')}int (*p)(int) = through;`)).toEqual([]);
  });
});

interface Function {
  readonly kind: 'static inline' | 'static' | '';
  readonly value: number;
  /** Which of those before it are called. */
  readonly calls: readonly number[];
}

const functions = fc.array(
  fc.record({
    kind: fc.constantFrom<Function['kind']>('static inline', 'static inline', 'static', ''),
    value: fc.integer({ min: 1, max: 1000 }),
    calls: fc.array(fc.nat(5), { maxLength: 2 }),
  }),
  { minLength: 1, maxLength: 8 },
);

function sourceOf(list: readonly Function[]): string {
  const bodies = list.map(({ kind, value, calls }, index) => {
    const terms = calls.filter((callee) => callee < index).map((callee) => `f${callee}(a)`);
    return `${kind} int f${index}(int a)\n{\n\treturn ${[`a * ${value}`, ...terms].join(' + ')};\n}\n`;
  });
  return bodies.join('\n');
}

const assemble = (source: string): string =>
  execFileSync('gcc', ['-O2', '-S', '-x', 'c', '-', '-o', '-'], { input: source, encoding: 'utf8' });

test('what is said to mean the same gives the same code, and functions said to be uncalled are', () => {
  fc.assert(
    fc.property(functions, fc.nat(7), (list, which) => {
      const changed = list.map((one, index) =>
        index === which % list.length ? { ...one, value: one.value + 1 } : one,
      );
      const [before, after] = [sourceOf(list), sourceOf(changed)];
      const isUnreached = unreachedFunctions(before).includes(`f${which % list.length}`);
      expect(same(before, after)).toBe(isUnreached);
      if (isUnreached) expect(assemble(after)).toBe(assemble(before));
    }),
    { numRuns: 60 },
  );
});
