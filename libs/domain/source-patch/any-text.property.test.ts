// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { itemsOf, textOf } from './c-items';
import { namedFiles, parseCmdFile } from './cmd-file';
import { changedInlineFunctions } from './confined-change';
import { regionsLike, regionsOf, withLineNumbers } from './line-numbers';
import { meansTheSame, unreachedFunctions } from './same-meaning';
import { parseUnifiedDiff } from './unified-diff';

const piece = fc.constantFrom(
  ...['int', 'static inline ', 'f', '(', ')', '{', '}', ';', '*', ',', '=', '1', ' ', '\n', '\t', '\\', '\\\n'],
  ...['"', "'", '/*', '*/', '//', '#', '#define X ', '#line 7\n', '__attribute__ ((', '__asm__', 'typedef ', '\xe9'],
);
/** Nearly C: every way in which a literal, a comment or a bracket can be left open. */
const nearlyC = fc.array(piece, { maxLength: 60 }).map((pieces) => pieces.join(''));

describe('of any text at all', () => {
  test('the items follow one another, and between them is nothing but blanks', () => {
    fc.assert(
      fc.property(nearlyC, (text) => {
        let end = 0;
        for (const item of itemsOf(text, 0)) {
          expect(text.slice(end, item.start)).toMatch(/^\s*$/);
          expect(item.end).toBeGreaterThan(item.start);
          end = item.end;
        }
        expect(text.slice(end)).toMatch(/^\s*$/);
      }),
      { numRuns: 1000 },
    );
  });

  test('a version means the same as itself, and what two mean does not depend on their order', () => {
    fc.assert(
      fc.property(nearlyC, nearlyC, nearlyC, (head, middle, tail) => {
        const [before, after] = [head + tail, head + middle + tail];
        expect(meansTheSame(before, before)).toBe(true);
        expect(meansTheSame(before, after)).toBe(meansTheSame(after, before));
        expect(changedInlineFunctions(before, before)?.size ?? 0).toBe(0);
        expect(changedInlineFunctions(before, after)).toEqual(changedInlineFunctions(after, before));
      }),
      { numRuns: 1000 },
    );
  });

  test('a changed source is as it was but for directives, and one that is not changed has none', () => {
    fc.assert(
      fc.property(nearlyC, nearlyC, nearlyC, (head, middle, tail) => {
        const regions = regionsOf(head + tail);
        expect(withLineNumbers(regions)).toBe(head + tail);
        const changed = regionsLike(regions, head + middle + tail);
        expect(changed.map(({ text }) => text).join('')).toBe(head + middle + tail);
      }),
    );
  });
});

/** Each function's text, and the line that it begins in. */
const outline = fc
  .array(
    fc.record({ name: fc.integer({ min: 0, max: 999 }), lines: fc.nat(4), blanks: fc.integer({ min: 1, max: 3 }) }),
    { minLength: 1, maxLength: 10 },
  )
  .map((functions) =>
    functions.map(({ name, lines, blanks }) => ({
      text: `static int f${name}(int a)\n{\n${'\ta++;\n'.repeat(lines)}\treturn __LINE__;\n}\n`,
      blanks: '\n'.repeat(blanks),
    })),
  );

test('the outline of a source: an item for each function, at its own lines', () => {
  fc.assert(
    fc.property(outline, (functions) => {
      const source = functions.map(({ text, blanks }) => text + blanks).join('');
      const items = itemsOf(source, 0);
      expect(items.map((item) => textOf(source, item))).toEqual(
        functions.map(({ text }) => text.trim().replace(/\s*\n\s*/g, ' ')),
      );
      const lineOf = (at: number): number => source.slice(0, at).split('\n').length;
      const regionLines = regionsOf(source)
        .filter(({ text }) => text.trim() !== '')
        .map(({ firstLine, text }) => firstLine + text.search(/\S/));
      expect(regionLines).toEqual(items.map(({ start }) => lineOf(start)));
    }),
  );
});

describe('a saved command', () => {
  const path = fc
    .array(fc.constantFrom('fs', 'proc', 'a-b', 'x_1'), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.join('/'));
  const words = fc.array(fc.constantFrom('gcc', '-DA=$x', "'#'", '$$', '-Wp,-MMD,.x.d', '"$(pound)"'), {
    maxLength: 6,
  });
  /** As make and fixdep write it. */
  const saved = ({ target, command, source, dependencies }: NonNullable<ReturnType<typeof parseCmdFile>>): string =>
    [
      `savedcmd_${target} := ${command.replace(/[$#]/g, (one) => (one === '$' ? '$$' : '$(pound)'))}\n`,
      `source_${target} := ${source ?? ''}\n`,
      `deps_${target} := \\\n${dependencies.map((file) => `  ${file} \\\n    $(wildcard include/config/X) \\\n`).join('')}`,
      `${target}: $(deps_${target})\n`,
      `$(deps_${target}):\n`,
    ].join('\n');

  test('is read as it was written', () => {
    fc.assert(
      fc.property(path, words, path, fc.array(path, { maxLength: 5 }), (target, command, source, dependencies) => {
        const written = { target, command: command.join(' '), source, dependencies };
        expect(parseCmdFile(saved(written))).toEqual(written);
      }),
    );
  });

  test('any text holds one or none', () => {
    const line = fc.oneof(
      fc.constantFrom('cmd_x := ', 'savedcmd_x := y', 'source_x := ', 'deps_x := \\', ' /../a \\', ''),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
        const command = parseCmdFile(lines.join('\n'));
        expect(namedFiles(command?.command ?? lines.join(' '))).toBeInstanceOf(Array);
      }),
    );
  });
});

/** A diff may be 16 MiB: what takes a second for 100 kB of it, and grows with the square, never ends. */
test.each([
  ' ',
  '\t',
  '\n',
  'a',
  '(',
  '{',
  '}',
  '"',
  "'",
  '/*',
  '//',
  '\\',
  '#',
  '*',
  ';',
  '- ',
  '@@ ',
  'int ',
  '__attribute__ ((',
])(
  'takes no longer than it is long: %j again and again',
  (again) => {
    const text = again.repeat(400_000 / again.length);
    const diff = `--- a/f.c${text}x\n+++ b/f.c\n@@ -1 +1 @@\n-a\n+b\n${text}`;
    // What it takes of a processor, not what others take meanwhile.
    const before = process.cpuUsage();
    expect(() => parseUnifiedDiff(diff)).not.toThrow(RangeError);
    expect(changedInlineFunctions(`${text}x`, `${text}y`)?.size ?? 0).toBe(0);
    meansTheSame(`${text};int x;`, `${text};int y;`);
    unreachedFunctions(text);
    withLineNumbers(regionsLike(regionsOf(text), `int a;\n${text}`));
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1e6).toBeLessThan(20);
  },
  60_000,
);
