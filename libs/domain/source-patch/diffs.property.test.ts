// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import fc from 'fast-check';
import { applyFileDiff } from './apply-diff';
import { applyPatch } from './apply-patch';
import { unifiedDiffOf } from './test-differ';
import { parseUnifiedDiff } from './unified-diff';

type Tree = ReadonlyMap<string, string>;

const line = fc.constantFrom(
  'a',
  'b',
  '',
  '\t}',
  '-- ',
  '--- a/x.c',
  '+++ b/x.c',
  '@@ -1 +1 @@',
  '\\ No',
  'h\xe9\xff',
  ' ',
);
const text = fc
  .tuple(fc.array(line, { minLength: 1, maxLength: 14 }), fc.boolean())
  // A last line that is empty and has no newline is none.
  .map(([lines, endsWithNewline]) => `${lines.join('\n')}${endsWithNewline || lines.at(-1) === '' ? '\n' : ''}`);
const tree = fc
  .dictionary(fc.constantFrom('Makefile', 'fs/a.c', 'fs/proc/b.c', 'include/linux/c.h', 'fs/__proto__'), text)
  .map((files): Tree => new Map(Object.entries(files)));

function diffOfTrees(before: Tree, after: Tree, contextLines: number): string {
  const paths = [...new Set([...before.keys(), ...after.keys()])].filter(
    (path) => before.get(path) !== after.get(path),
  );
  return paths
    .map((path) => unifiedDiffOf(path, before.get(path) ?? null, after.get(path) ?? null, contextLines))
    .join('');
}

function applyToTree(tree: Tree, diff: string): Tree {
  const result = new Map(tree);
  for (const [path, content] of applyPatch(tree, parseUnifiedDiff(diff)).changed) {
    if (content === null) result.delete(path);
    else result.set(path, content);
  }
  return result;
}

/** The failure's name; whatever else is thrown is thrown on. */
function reasonOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof LockstepError) return error.reason;
    throw error;
  }
  return 'none';
}

describe('a diff between two trees', () => {
  test('applied to the one gives the other, with any context', () => {
    fc.assert(
      fc.property(tree, tree, fc.integer({ min: 1, max: 4 }), (before, after, contextLines) => {
        const diff = diffOfTrees(before, after, contextLines);
        fc.pre(diff !== '');
        expect(applyToTree(before, diff)).toEqual(after);
      }),
      { numRuns: 500 },
    );
  });

  test('applies once only, unless what it removes is there again', () => {
    const edit = unifiedDiffOf('f.c', 'a\nb\nc\n', 'a\nB\nc\n', 1);
    const once = applyToTree(new Map([['f.c', 'a\nb\nc\n']]), edit);
    expect(reasonOf(() => applyToTree(once, edit))).toBe('diff-does-not-apply');
  });

  test('finds its place at any offset', () => {
    const distinct = fc.uniqueArray(
      fc.nat(40).map((n) => `line ${n}`),
      { minLength: 2, maxLength: 20 },
    );
    fc.assert(
      fc.property(
        distinct,
        distinct,
        fc.integer({ min: 1, max: 3 }),
        fc.nat(30),
        (before, after, contextLines, moved) => {
          const [old, fresh] = [`${before.join('\n')}\n`, `${after.join('\n')}\n`];
          fc.pre(old !== fresh);
          const above = 'above\n'.repeat(moved);
          const diff = unifiedDiffOf('f.c', old, fresh, contextLines);
          expect(applyToTree(new Map([['f.c', above + old]]), diff)).toEqual(new Map([['f.c', above + fresh]]));
        },
      ),
    );
  });
});

describe('whatever is given', () => {
  const fragment = fc.oneof(
    fc.constantFrom('--- a/f.c', '+++ b/f.c', '--- /dev/null', '+++ /dev/null', '@@ -1,2 +1 @@', '@@ -0,0 +1 @@'),
    fc.constantFrom('-a', '+b', ' a', '', '\\ No newline at end of file', '-- ', 'rename to x', '--- a/../f.c'),
    fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 30n }), fc.nat(2)).map(([start, count]) => `@@ -${start},${count} +1 @@`),
    fc.string({ unit: 'binary', maxLength: 12 }),
  );
  const anyText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.array(fragment, { maxLength: 16 }).map((lines) => lines.join('\n')),
    fc
      .array(fragment, { maxLength: 8 })
      .map((lines) => ['--- a/f.c', '+++ b/f.c', '@@ -1 +1 @@', '-a', '+b', ...lines].join('\n')),
  );

  test('reading ends with files or with diff-syntax', () => {
    fc.assert(
      fc.property(anyText, (diff) => {
        expect(reasonOf(() => parseUnifiedDiff(diff))).toMatch(/^(?:none|diff-syntax)$/);
      }),
      { numRuns: 2000 },
    );
  });

  test('applying ends with a text or with a refusal, wherever the hunks say that they belong', () => {
    const place = fc.oneof(fc.nat(30), fc.maxSafeNat());
    fc.assert(
      fc.property(
        text,
        text,
        text,
        fc.array(place, { minLength: 1, maxLength: 3 }),
        (original, before, after, starts) => {
          fc.pre(before !== after);
          const [file] = parseUnifiedDiff(unifiedDiffOf('f.c', before, after, 1));
          const hunks = file!.hunks.map((hunk, index) => ({ ...hunk, oldStart: starts[index % starts.length] ?? 0 }));
          expect(reasonOf(() => applyFileDiff(original, { ...file!, hunks }))).toMatch(
            /^(?:none|diff-does-not-apply|diff-ambiguous|diff-without-context)$/,
          );
        },
      ),
    );
  });

  test('a file of half a million lines is changed like any other', () => {
    const lines = Array.from({ length: 500_000 }, (_, index) => `#define REG_${index} ${index}`);
    const original = `${lines.join('\n')}\n`;
    const [file] = parseUnifiedDiff('--- a/f.h\n+++ b/f.h\n@@ -499999 +499999 @@\n-#define REG_499998 499998\n+x\n');
    lines[499_998] = 'x';
    expect(applyFileDiff(original, file!).text === `${lines.join('\n')}\n`).toBe(true);
  });
});
