// SPDX-License-Identifier: GPL-2.0-only
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { diffObjects, type ObjectDiff } from '@lockstep/domain/object-diff';
import { compileC, compilePair, fixtureTables } from './index';

const diffOf = (original: Uint8Array, patched: Uint8Array): ObjectDiff =>
  diffObjects({ original, patched, objectPath: 'fixture.o', tables: fixtureTables });

const movedMemory = join(__dirname, 'sources/moved-memory.c');
const diffOfCase = (name: string): ObjectDiff =>
  diffOf(compileC(movedMemory, `-D${name}`), compileC(movedMemory, `-D${name}`, '-DPATCHED'));

describe('a variable that lies elsewhere with the patch than in the running kernel', () => {
  test.each<[string, RegExp]>([
    ['CONSTANT', /limit lies in memory that cannot be written to \(const\)/],
    ['SEALED', /limit cannot be written to since the kernel started/],
    ['PER_CPU', /limit exists once for all processors/],
    ['SHARED_WITH_HOST', /limit exists once for all processors, in ordinary memory/],
    ['START', /limit is gone from the running kernel since it started/],
  ])('%s: refused, for new code would take the running one for what it is not', (name, problem) => {
    expect(() => diffOfCase(name)).toThrow(
      expect.objectContaining({
        reason: 'variable-moved',
        message: expect.stringMatching(problem),
        fields: expect.objectContaining({ function: 'work', variable: 'limit' }),
      }),
    );
  });

  test('one that begins as zero is what it was in the memory of another kind, too', () => {
    expect(diffOfCase('MOSTLY_READ').kernelSymbols.map(({ name }) => name)).toContain('limit');
  });

  test('one that new code may write to less than old code could is what it was', () => {
    expect(diffOfCase('TIGHTER').kernelSymbols.map(({ name }) => name)).toContain('limit');
  });
});

test('a new variable in pages that only the image of the kernel has is refused', () => {
  expect(() => diffOfCase('NEW_UNSAVED')).toThrow(
    expect.objectContaining({
      reason: 'special-memory',
      message: expect.stringContaining('unsaved is new in .data..nosave'),
    }),
  );
});

describe('a function that stays with the patch, and is gone from the running kernel', () => {
  test('a static one comes along, also for those who called it before', () => {
    const { functions, newFunctions, kernelSymbols } = diffOfCase('FUNCTION');
    expect(functions.map(({ symbol }) => symbol.name)).toEqual(['work']);
    expect(newFunctions).toEqual(['prepare']);
    expect(kernelSymbols.map(({ name }) => name)).not.toContain('prepare');
  });

  test('a global one, which others call by its name, is refused', () => {
    expect(() => diffOfCase('GLOBAL_FUNCTION')).toThrow(
      expect.objectContaining({ reason: 'left-init', fields: expect.objectContaining({ function: 'prepare' }) }),
    );
  });
});

test('a function that becomes another name of one is redirected, unless it does the same', () => {
  const { original, patched } = compilePair('alias-moved');
  const { functions, pieces } = diffOf(original, patched);
  expect(functions.map(({ symbol, piece }) => [symbol.name, pieces[piece]?.symbol?.name])).toEqual([
    ['checked', 'checked'],
  ]);
});

test('variables of a whole file are state, however they are called', () => {
  const { original, patched } = compilePair('file-statics');
  const { pieces, kernelSymbols, functions } = diffOf(original, patched);
  expect(functions.map(({ symbol }) => symbol.name)).toEqual(['add']);
  expect(kernelSymbols.map(({ name }) => name)).toEqual(expect.arrayContaining(['descriptor', '_rs', '__key']));
  expect(pieces.filter(({ symbol }) => symbol?.type === 'object')).toEqual([]);
});

test('references that cannot be carried are told apart all the same', () => {
  const { original, patched } = compilePair('unknown-relocation');
  expect(diffOf(original, original).functions).toEqual([]);
  expect(() => diffOf(original, patched)).toThrow(/work refers to one_place by relocation type/);
});
