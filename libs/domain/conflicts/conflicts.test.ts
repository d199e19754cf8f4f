// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { conflictsWith, sharedFunctions, tornPatches, type FunctionOwner } from './conflicts';

const fn = (name: string, sympos = 0, object = 'vmlinux') => ({ object, name, sympos });
const patch = (id: string, ...names: string[]): FunctionOwner<string> => ({ id, functions: names.map((n) => fn(n)) });

describe('the mission example: A changes a b c, B changes a d', () => {
  const a = patch('A', 'a', 'b', 'c');
  const b = patch('B', 'a', 'd');

  test('B over A conflicts in a, and only there', () => {
    expect(conflictsWith(b.functions, [a])).toEqual([{ function: fn('a'), owner: 'A' }]);
  });

  test('A is torn once B is over it', () => {
    expect(tornPatches([a, b])).toEqual([
      { id: 'A', running: [fn('b'), fn('c')], shadowed: [{ function: fn('a'), by: 'B' }] },
    ]);
  });

  test('the other order tears B instead: the two hosts would run different code', () => {
    expect(tornPatches([b, a]).map((torn) => torn.id)).toEqual(['B']);
  });

  test('owners are named from the top', () => {
    expect(sharedFunctions([a, b])).toEqual([{ function: fn('a'), owners: ['B', 'A'] }]);
  });
});

test('a wholly shadowed patch is not torn: none of it runs', () => {
  expect(tornPatches([patch('A', 'a'), patch('B', 'a', 'b')])).toEqual([]);
});

test('every owner of a three-deep function is a victim', () => {
  const stack = [patch('A', 'a'), patch('B', 'a')];
  expect(conflictsWith([fn('a')], stack).map((conflict) => conflict.owner)).toEqual(['B', 'A']);
});

test.each([
  ['sympos 0 and 1 are the same place', fn('a', 0), fn('a', 1), true],
  ['sympos 2 is another function', fn('a', 1), fn('a', 2), false],
  ['a module has its own functions', fn('a', 0, 'vmlinux'), fn('a', 0, 'ext4'), false],
])('%s', (_, newcomer, owned, conflict) => {
  const stack = [{ id: 'A', functions: [owned] }];
  expect(conflictsWith([newcomer], stack)).toHaveLength(conflict ? 1 : 0);
});

describe('properties', () => {
  const functions = fc.uniqueArray(
    fc.record({
      object: fc.constantFrom('vmlinux', 'ext4'),
      name: fc.constantFrom('a', 'b', 'c', 'd'),
      sympos: fc.constantFrom(0, 2),
    }),
    { selector: (f) => JSON.stringify(f), maxLength: 8 },
  );
  const stack = fc
    .array(functions, { maxLength: 6 })
    .map((all) => all.map((owned, i): FunctionOwner<number> => ({ id: i, functions: owned })));

  test('a function is shared if and only if loading its owners one by one met a conflict', () => {
    fc.assert(
      fc.property(stack, (patches) => {
        const met = patches.flatMap((p, i) => conflictsWith(p.functions, patches.slice(0, i)));
        const names = new Set(met.map((conflict) => JSON.stringify(conflict.function)));
        expect(new Set(sharedFunctions(patches).map((s) => JSON.stringify(s.function)))).toEqual(names);
      }),
    );
  });

  test('each function of a torn patch either runs or is shadowed by a later patch', () => {
    fc.assert(
      fc.property(stack, (patches) => {
        for (const { id, running, shadowed } of tornPatches(patches)) {
          expect(running.length + shadowed.length).toBe(patches[id]!.functions.length);
          for (const { by } of shadowed) expect(by).toBeGreaterThan(id);
        }
      }),
    );
  });
});
