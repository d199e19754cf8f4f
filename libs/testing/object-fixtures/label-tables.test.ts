// SPDX-License-Identifier: GPL-2.0-only
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { relocationType } from '@lockstep/domain/elf';
import { diffObjects, type ObjectDiff } from '@lockstep/domain/object-diff';
import { compileC, fixtureTables } from './index';

const diffOf = (source: string, before: string[], after: string[]): ObjectDiff =>
  diffObjects({
    original: compileC(join(__dirname, 'sources', source), ...before),
    patched: compileC(join(__dirname, 'sources', source), ...after),
    objectPath: 'fixture.o',
    tables: fixtureTables,
  });

describe('a table of places in code (computed goto)', () => {
  test.each([
    ['where they stay', []],
    ['where they move', ['-DLONGER']],
  ])('comes along with its function, %s: that of the kernel leads into the old code', (_, flags) => {
    const { functions, pieces, kernelSymbols } = diffOf('label-table.c', [], ['-DPATCHED', ...flags]);
    expect(functions.map(({ symbol }) => symbol.name)).toEqual(['work']);
    expect(kernelSymbols.map(({ name }) => name)).not.toContainEqual(expect.stringContaining('steps'));
    const table = pieces.find(({ symbol }) => symbol?.name.startsWith('steps') === true);
    const { piece } = functions[0]!;
    expect(table?.relocations.map(({ type, target }) => [type, target])).toEqual(
      [0, 1, 2].map(() => [relocationType.absolute64, { kind: 'piece', piece }]),
    );
    for (const { addend } of table?.relocations ?? []) {
      expect(addend).toBeGreaterThan(0);
      expect(addend).toBeLessThan(pieces[piece]!.sizeBytes);
    }
  });

  test('is no change by itself', () => {
    expect(diffOf('label-table.c', [], []).pieces).toEqual([]);
  });
});

test('a variable that must be aligned further than the running one is refused', () => {
  expect(() => diffOf('aligned-further.c', [], ['-DPATCHED'])).toThrow(
    expect.objectContaining({
      reason: 'variable-aligned',
      message: expect.stringMatching(/limit is aligned to \d+ bytes, and to 64 with the diff/),
      fields: expect.objectContaining({ function: 'work', variable: 'limit' }),
    }),
  );
  // Less than there is does no harm.
  expect(diffOf('aligned-further.c', ['-DPATCHED'], []).functions).toHaveLength(1);
});
