// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import fc from 'fast-check';
import { applyPatch } from './apply-patch';
import { unifiedDiffOf } from './test-differ';
import { parseUnifiedDiff } from './unified-diff';

type Tree = ReadonlyMap<string, string>;

let dir = '';
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'lockstep-git-'));
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

const env = {
  PATH: process.env['PATH'],
  HOME: '/nowhere',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CEILING_DIRECTORIES: tmpdir(),
};

function writeTree(tree: Tree): void {
  rmSync(dir, { recursive: true });
  mkdirSync(dir);
  for (const [path, text] of tree) {
    mkdirSync(dirname(join(dir, path)), { recursive: true });
    writeFileSync(join(dir, path), text, 'latin1');
  }
}

function readTree(): Tree {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = files.map((entry) => relative(dir, join(entry.parentPath, entry.name))).sort();
  return new Map(paths.map((path) => [path, readFileSync(join(dir, path), 'latin1')]));
}

/** What `git apply` makes of the tree; undefined where it refuses. */
function byGit(tree: Tree, diff: string, options: readonly string[] = []): Tree | undefined {
  writeTree(tree);
  const { status } = spawnSync('git', ['apply', ...options, '-'], {
    cwd: dir,
    env,
    input: Buffer.from(diff, 'latin1'),
  });
  return status === 0 ? readTree() : undefined;
}

/** What we make of it, or why we refuse. */
function byUs(tree: Tree, diff: string): Tree | string {
  try {
    const made = new Map(tree);
    for (const [path, text] of applyPatch(tree, parseUnifiedDiff(diff)).changed) {
      if (text === null) made.delete(path);
      else made.set(path, text);
    }
    return new Map([...made].sort(([left], [right]) => (left < right ? -1 : 1)));
  } catch (error) {
    if (error instanceof LockstepError) return error.reason;
    throw error;
  }
}

const line = fc.constantFrom('a', 'b', 'c', 'd', '', '\t}', '\tx', 'h\xe9');
const lines = fc.array(line, { minLength: 1, maxLength: 14 });
const edit = fc.tuple(fc.nat(14), fc.nat(2), fc.array(line, { maxLength: 2 }));
const edits = fc.array(edit, { maxLength: 2 });
const textOf = (all: readonly string[], endsWithNewline = true): string =>
  all.length === 0 ? '' : `${all.join('\n')}${endsWithNewline || all.at(-1) === '' ? '\n' : ''}`;

function edited(
  before: readonly string[],
  changes: readonly [at: number, removed: number, added: string[]][],
): string[] {
  const after = [...before];
  for (const [at, removed, added] of changes) after.splice(at, removed, ...added);
  return after;
}

describe('beside git apply', () => {
  const cases = fc.tuple(
    lines,
    fc.array(edit, { minLength: 1, maxLength: 3 }),
    edits,
    fc.boolean(),
    fc.integer({ min: 1, max: 3 }),
  );

  test('a tree that is not the one of the diff: the same as git makes of it, or refused', () => {
    fc.assert(
      // Each line with its newline: git takes one without for the beginning of one with, and joins what follows to it.
      fc.property(cases, ([before, changes, moves, , context]) => {
        const [old, fresh] = [textOf(before), textOf(edited(before, changes))];
        fc.pre(old !== fresh && old !== '' && fresh !== '');
        const diff = unifiedDiffOf('f.c', old, fresh, context);
        const tree = new Map([['f.c', textOf(edited(before, moves))]]);
        fc.pre(tree.get('f.c') !== '');
        const [git, ours] = [byGit(tree, diff), byUs(tree, diff)];
        // Without that option what stood at the file's ends may stand nowhere else, in one place or not.
        if (typeof ours !== 'string') expect(ours).toEqual(git ?? byGit(tree, diff, ['--unidiff-zero']));
        // Of several places git takes the nearest; of several hunks it may take a later one further up.
        else if (git !== undefined)
          expect(ours).toMatch(
            diff.split('@@ -').length > 2 ? /^diff-(?:ambiguous|does-not-apply)$/ : /^diff-ambiguous$/,
          );
      }),
      { numRuns: 400 },
    );
  });

  test('the tree of the diff: what git makes of it', () => {
    fc.assert(
      fc.property(cases, ([before, changes, , ends, context]) => {
        const [old, fresh] = [textOf(before, ends), textOf(edited(before, changes), ends)];
        fc.pre(old !== fresh && old !== '' && fresh !== '');
        const diff = unifiedDiffOf('f.c', old, fresh, context);
        const tree = new Map([['f.c', old]]);
        expect(byUs(tree, diff)).toEqual(byGit(tree, diff));
      }),
      { numRuns: 200 },
    );
  });

  test('without context: as with --unidiff-zero, or refused', () => {
    fc.assert(
      fc.property(cases, ([before, changes, moves]) => {
        const [old, fresh] = [textOf(before), textOf(edited(before, changes))];
        fc.pre(old !== fresh && old !== '' && fresh !== '');
        const diff = unifiedDiffOf('f.c', old, fresh, 0);
        const tree = new Map([['f.c', textOf(edited(before, moves))]]);
        const ours = byUs(tree, diff);
        if (typeof ours !== 'string') expect(ours).toEqual(byGit(tree, diff, ['--unidiff-zero']));
      }),
      { numRuns: 200 },
    );
  });
});

describe('damaged on its way', () => {
  const files = fc.tuple(lines, lines, fc.array(edit, { minLength: 1, maxLength: 2 }), fc.boolean());
  /** What an editor, a mailer or a cut connection makes of a text's lines. */
  const damage = fc.oneof(
    fc.nat(60).map((at) => (all: string[]) => all.splice(at, 1)),
    fc.tuple(fc.nat(60), line).map(
      ([at, text]) =>
        (all: string[]) =>
          all.splice(at, 0, text),
    ),
    fc.nat(60).map((at) => (all: string[]) => all.splice(at, 0, '\\ No newline at end of file')),
    fc.tuple(fc.nat(60), fc.nat(60)).map(
      ([at, to]) =>
        (all: string[]) =>
          all.splice(to, 0, ...all.splice(at, 1)),
    ),
    fc.tuple(fc.nat(60), fc.nat(9)).map(([at, digit]) => (all: string[]) => {
      all.splice(at, 1, ...all.slice(at, at + 1).map((text) => text.replace(/,\d/, `,${digit}`)));
    }),
    fc.nat(60).map((at) => (all: string[]) => all.splice(at, 1, ...all.slice(at, at + 1).map((text) => text.slice(1)))),
    fc.nat(60).map((at) => (all: string[]) => all.splice(at, all.length, '')),
  );

  test('refused, or what git makes of it', () => {
    fc.assert(
      fc.property(files, damage, ([first, second, changes, ends], harm) => {
        const before = [textOf(first, ends), textOf(second, ends)];
        const after = [textOf(edited(first, changes), ends), textOf(edited(second, changes), ends)];
        const diff = ['f.c', 'g.c'].map((path, index) => {
          const head = `diff --git a/${path} b/${path}\nindex 1234567..89abcde 100644\n`;
          return before[index] === after[index] ? '' : head + unifiedDiffOf(path, before[index]!, after[index]!, 3);
        });
        const all = diff.join('').split('\n');
        harm(all);
        const tree = new Map([
          ['f.c', before[0]!],
          ['g.c', before[1]!],
        ]);
        // Git wants a newline at the end, and who pastes a diff loses it.
        const text = all.join('\n').replace(/\n?$/, '\n');
        const ours = byUs(tree, text);
        if (typeof ours !== 'string') expect(ours).toEqual(byGit(tree, text) ?? byGit(tree, text, ['--unidiff-zero']));
      }),
      { numRuns: 300 },
    );
  });
});

describe('what git writes', () => {
  const body = fc.array(
    fc.integer({ min: 0, max: 9 }).map((n) => `line ${n}`),
    { minLength: 4, maxLength: 12 },
  );
  const name = fc.constantFrom('f.c', 'g.c', 'dir/f.c', 'caf\u00e9.c', 'two words.c');
  const trees = fc.dictionary(name, body, { minKeys: 1, maxKeys: 4 });
  const asTree = (files: Readonly<Record<string, string[]>>): Tree =>
    new Map(Object.entries(files).map(([path, all]) => [path, textOf(all)]));
  const git = (...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=me', '-c', 'user.email=me@x', ...args], {
      cwd: dir,
      env,
      encoding: 'latin1',
    });

  function commit(tree: Tree): void {
    for (const path of readdirSync(dir).filter((entry) => entry !== '.git'))
      rmSync(join(dir, path), { recursive: true });
    for (const [path, text] of tree) {
      mkdirSync(dirname(join(dir, path)), { recursive: true });
      writeFileSync(join(dir, path), text, 'latin1');
    }
    git('add', '-A');
    git('commit', '-qm', 'a commit', '--allow-empty');
  }

  const sorted = (tree: Tree): [string, string][] => [...tree].sort(([left], [right]) => (left < right ? -1 : 1));

  test('a series of commits with renames and copies, as mails: applied one after the other', () => {
    const options = fc.constantFrom<string[]>(
      [],
      ['--no-prefix'],
      ['-C', '--find-copies-harder'],
      ['--full-index', '-M20%'],
    );
    fc.assert(
      fc.property(trees, fc.array(trees, { minLength: 1, maxLength: 3 }), options, (first, later, given) => {
        writeTree(new Map());
        git('init', '-q');
        commit(asTree(first));
        for (const files of later) commit(asTree(files));
        const mails = git('format-patch', '--stdout', '-M', ...given, `HEAD~${later.length}`);
        fc.pre(mails.includes('diff --git'));
        const made = byUs(asTree(first), mails);
        expect(typeof made === 'string' ? made : sorted(made)).toEqual(sorted(asTree(later.at(-1)!)));
      }),
      { numRuns: 30 },
    );
  });
});
