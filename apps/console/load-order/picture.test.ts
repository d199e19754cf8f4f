// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { functionKey } from '@lockstep/domain/livepatch-model';
import { sharedFunctions, tornPatches } from '@lockstep/domain/conflicts';
import fc from 'fast-check';
import { orderOf, type Order } from './order';
import { isTorn, pictureOf, type Draft } from './picture';

const hex = (digit: number): string => digit.toString(16).padStart(64, '0');
const functionsOf = (letters: string) => Array.from(letters, (name) => ({ object: 'vmlinux', name }));

/** Patch A changes a, b and c; B changes a and d; each letter is a function. */
function orderWith(...patches: readonly string[]): Order {
  const entries = patches.map((letters, index) => ({
    ...{
      cluster: 'web',
      kernelBuildId: 'ab'.repeat(20),
      seq: index + 1,
      hash: hex(index + 1),
      previousHash: hex(index),
    },
    load: {
      artifact: {
        ...{ sha256: hex(99), patchId: hex(98), kernelBuildId: 'ab'.repeat(20), sizeBytes: 1 },
        ...{ moduleName: `p${index}`, patchName: `p${index}`, functions: functionsOf(letters) },
      },
    },
  }));
  return orderOf({ cluster: 'web', kernelBuildId: 'ab'.repeat(20), entries });
}

const draftOf = (letters: string, ...onto: number[]): Draft => ({
  ...{ patchName: 'draft', builtOnto: new Set(onto) },
  functions: functionsOf(letters).map((fn) => ({ ...fn, sympos: 0 })),
});

const runsOf = (order: Order, position: number, draft?: Draft): string =>
  pictureOf(order, position, draft)
    .columns.map(({ function: fn, runs }) => `${fn.name}:${runs}`)
    .sort()
    .join(' ');

describe('the picture', () => {
  test('of A then B is a2 b1 c1 d2, and of B then A a1 b1 c1 d2', () => {
    expect(runsOf(orderWith('abc', 'ad'), 2)).toBe('a:p1 b:p0 c:p0 d:p1');
    expect(runsOf(orderWith('ad', 'abc'), 2)).toBe('a:p1 b:p1 c:p1 d:p0');
  });

  test('has the layer that lies on top first, and says who shadows whom', () => {
    const { layers, columns } = pictureOf(orderWith('abc', 'ad'), 2);
    expect(columns.map(({ function: fn }) => fn.name)).toEqual(['a', 'b', 'c', 'd']);
    expect(layers.map(({ patchName, cells }) => [patchName, ...cells.map(({ kind }) => kind)])).toEqual([
      ['p1', 'runs', 'none', 'none', 'runs'],
      ['p0', 'shadowed', 'runs', 'runs', 'none'],
    ]);
    expect(layers.map(isTorn)).toEqual([false, true]);
  });

  test('shows of a draft what it would take, and from whom, unless it contains that', () => {
    const order = orderWith('abc', 'ad');
    expect(pictureOf(order, 2, draftOf('de')).layers[0]?.cells).toEqual(
      expect.arrayContaining([{ kind: 'takes', from: 'p1' }, { kind: 'runs' }]),
    );
    expect(pictureOf(order, 2, draftOf('de', 2)).layers[0]?.cells).toContainEqual({ kind: 'contains', from: 'p1' });
  });

  test('says of any stack what the domain says of it', () => {
    const letters = fc
      .uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1 })
      .map((some) => some.join(''));
    fc.assert(
      fc.property(fc.array(letters, { maxLength: 6 }), (patches) => {
        const order = orderWith(...patches);
        const { columns, layers } = pictureOf(order, patches.length);
        const owners = patches.map((some, index) => ({
          ...{ id: `p${index}`, functions: functionsOf(some).map((fn) => ({ ...fn, sympos: 0 })) },
        }));
        expect(new Set(layers.filter(isTorn).map(({ patchName }) => patchName))).toEqual(
          new Set(tornPatches(owners).map(({ id }) => id)),
        );
        const shared = sharedFunctions(owners).map(({ function: fn, owners: [top] }) => [functionKey(fn), top]);
        expect(new Map(columns.filter((one) => one.owners > 1).map(({ key, runs }) => [key, runs]))).toEqual(
          new Map(shared as [string, string][]),
        );
      }),
    );
  });
});
