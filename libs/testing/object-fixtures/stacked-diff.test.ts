// SPDX-License-Identifier: GPL-2.0-only
import { beforeAll, describe, expect, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { diffObjects, type ObjectDiff } from '@lockstep/domain/object-diff';
import { join } from 'node:path';
import { compileC, fixtureTables } from './compile-c';

const compile = (...defines: string[]): Uint8Array =>
  compileC(join(__dirname, 'sources/stacked.c'), ...defines.map((name) => `-D${name}`));

const tables = fixtureTables;
let running: Uint8Array;
let original: Uint8Array;
beforeAll(() => {
  running = compile();
  original = compile('BELOW');
});

const diffOf = (...defines: string[]): ObjectDiff =>
  diffObjects({ running, original, patched: compile('BELOW', ...defines), objectPath: 'stacked.o', tables });

const changedIn = (diff: ObjectDiff) => diff.functions.map(({ symbol }) => symbol.name).sort();

function reasonOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof LockstepError) return error.reason;
    throw error;
  }
  return 'none';
}

describe('a patch that is built onto another', () => {
  test('changes what it changes itself, and no function that only the patch below does', () => {
    expect(changedIn(diffOf('PATCHED'))).toEqual(['own', 'shared', 'uses_helper']);
    const flat = diffObjects({ original: running, patched: compile('BELOW', 'PATCHED'), objectPath: 'flat.o', tables });
    expect(changedIn(flat)).toContain('below_only');
  });

  test('takes a copy of a function and of constants that only the patch below has', () => {
    const diff = diffOf('PATCHED');
    expect(diff.newFunctions).toEqual(['helper']);
    const names = diff.kernelSymbols.map(({ name }) => name);
    expect(names).toContain('shared');
    expect(names).not.toContain('helper');
    expect(names).not.toContain('factors');
    expect(diff.localNames).not.toContain('helper');
  });

  test('changes the callers of a changed function that only the patch below has', () => {
    // Its caller uses state of the patch below: that it is refused for that shows that it is to change.
    expect(reasonOf(() => diffOf('PATCHED_HELPER'))).toBe('stacked-state');
    const diff = diffOf('PATCHED', 'PATCHED_HELPER', 'NO_STATE');
    expect(changedIn(diff)).toEqual(['below_only', 'own', 'shared', 'uses_helper']);
  });

  test('refuses state that only the patch below has, by name', () => {
    expect(reasonOf(() => diffOf('PATCHED_STATE'))).toBe('stacked-state');
  });

  test('that changes nothing gives no function', () => {
    expect(changedIn(diffOf())).toEqual([]);
  });
});
