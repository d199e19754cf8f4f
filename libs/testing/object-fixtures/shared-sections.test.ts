// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { relocationType } from '@lockstep/domain/elf';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { diffObjects, namesInSharedSections, type ObjectDiff } from '@lockstep/domain/object-diff';
import { compileNamedPair, compilePair, fixtureTables, type CompiledPair } from './index';

const diffOf = (pair: CompiledPair): ObjectDiff =>
  diffObjects({ ...pair, objectPath: 'fixture.o', tables: fixtureTables });

const changedIn = ({ functions }: ObjectDiff) => functions.map(({ symbol }) => symbol.name).sort();

/** What the carried code refers to as an absolute address: `slots+64`, `added+0`. */
function addressesIn(diff: ObjectDiff): string[] {
  return diff.pieces.flatMap(({ section, relocations }) =>
    relocations.flatMap(({ target, type, addend }) => {
      if (!section.startsWith('.text') || type !== relocationType.absolute32Signed) return [];
      const name =
        target.kind === 'kernel'
          ? diff.kernelSymbols[target.symbol]?.name
          : (diff.pieces[target.piece]?.symbol?.name ?? diff.pieces[target.piece]?.section);
      return [`${name}+${addend}`];
    }),
  );
}

describe('variables that share a section', () => {
  const named = compileNamedPair('array-ends');

  test('an array ends where the array of the kernel ends, with or without something new behind it', () => {
    const diff = diffOf(named);
    expect(addressesIn(diff)).toEqual(['slots+0', 'slots+64']);
  });

  test('functions that only have a new neighbour in their arrays’ section are not changed', () => {
    expect(changedIn(diffOf(named))).toEqual(['work']);
  });

  test('where the compiler’s names are lost, it refuses to guess', () => {
    expect(() => diffOf(compilePair('array-ends'))).toThrow(
      /find refers to the end of \w+ or the start of \w+ \(\.data\.\.read_mostly\)|plus a register/,
    );
  });

  test('names lost or kept, what lies as it lies in the kernel is where it is, whatever it is called', () => {
    for (const pair of [compilePair('lost-names'), compileNamedPair('lost-names')]) {
      const diff = diffOf(pair);
      expect(changedIn(diff)).toEqual(['indexed', 'to_the_end']);
      expect(diff.kernelSymbols.map(({ name }) => name)).toContain('table');
    }
    expect(addressesIn(diffOf(compilePair('lost-names')))).toContain('table+4');
  });

  test('names lost, a place that stays the same while its variable moves is another place', () => {
    expect(changedIn(diffOf(compileNamedPair('lost-names-moved')))).toContain('indexed');
    expect(() => diffOf(compilePair('lost-names-moved'))).toThrow(/indexed refers to a place around table/);
  });

  test('an object against itself: no change, names kept or lost', () => {
    for (const { original, patched } of [named, compilePair('array-ends')]) {
      expect(diffOf({ original, patched: original }).pieces).toEqual([]);
      expect(diffOf({ original: patched, patched }).pieces).toEqual([]);
    }
  });
});

describe('strings one behind the other', () => {
  test('a loop ends at the end of its own copy, not at the next string', () => {
    const diff = diffOf(compilePair('string-ends'));
    const strings = diff.pieces.filter(({ section }) => section === '.rodata').map(({ bytes }) => bytes.length);
    expect(strings).toEqual(['first\0'.length, 'second\0'.length]);
    expect(addressesIn(diff)).toEqual(['.rodata+0', '.rodata+6', '.rodata+0']);
    const [work] = diff.pieces;
    const pieces = work?.relocations.flatMap(({ target, type }) =>
      type === relocationType.absolute32Signed && target.kind === 'piece' ? [target.piece] : [],
    );
    expect(pieces?.[0]).toBe(pieces?.[1]);
    expect(pieces?.[0]).not.toBe(pieces?.[2]);
  });
});

describe('functions that share a section', () => {
  test('a short jump to the neighbour is none once names are kept', () => {
    const diff = diffOf(compileNamedPair('short-jump'));
    expect(changedIn(diff)).toEqual(['work']);
    expect(diff.kernelSymbols.map(({ name }) => name)).toContain('neighbour');
  });

  test('without them it is refused, with the jump named', () => {
    let refused: unknown;
    try {
      diffOf(compilePair('short-jump'));
    } catch (error) {
      refused = error;
    }
    expect(refused).toBeInstanceOf(LockstepError);
    expect((refused as LockstepError).message).toMatch(/a short jump from work into its neighbour/);
  });

  test('the names that are to be kept', () => {
    expect(namesInSharedSections(compilePair('short-jump').original, 'short-jump.o')).toEqual(['neighbour']);
    expect(namesInSharedSections(compilePair('array-ends').original, 'array-ends.o')).toEqual([
      'behind',
      'last_read',
      'slots',
    ]);
    expect(namesInSharedSections(compilePair('one-constant').original, 'one-constant.o')).toEqual([]);
  });
});
