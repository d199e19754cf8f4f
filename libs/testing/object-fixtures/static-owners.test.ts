// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { diffObjects, namesakes } from '@lockstep/domain/object-diff';
import { alignStatics, staticOwners, type NamedStatics } from '@lockstep/domain/type-layouts';
import { compilePair, fixtureTables } from './index';

const { original, patched } = compilePair('statics-moved', 'gcc', '-g', '-gdwarf-4');
const named = (object: Uint8Array): NamedStatics => ({
  namesakes: namesakes(object, 'statics-moved.o'),
  owners: staticOwners(object, 'statics-moved.o'),
});
const [before, after] = [named(original), named(patched)];

test('static variables of one name are told by the functions that declare them, inlined or not', () => {
  const ownersOf = ({ owners }: NamedStatics): string[] => [...owners.values()].map((one) => one.function).sort();
  expect(ownersOf(before)).toEqual(['first_step', 'second_step']);
  expect(ownersOf(after)).toEqual(['first_step', 'second_step', 'third_step']);
});

test('each keeps its variable, though the compiler numbers them by where they come up', () => {
  const { renamed, proven } = alignStatics(before, after);
  expect([...proven]).toEqual(['count']);
  for (const [symbol, owner] of after.owners) {
    const name = renamed.get(symbol) ?? '';
    if (owner.function === 'third_step') expect(name).toBe('count.new_third_step_0');
    else expect(before.owners.get(name)?.function).toBe(owner.function);
  }
  // It is not so by itself: that is what this is for.
  expect([...renamed].some(([from, to]) => from !== to && !to.includes('new'))).toBe(true);
});

test('where it is not known whose they are, such a change is refused', () => {
  const diff = (): unknown => diffObjects({ original, patched, objectPath: 'statics-moved.o', tables: fixtureTables });
  expect(diff).toThrow(/count\.\d may be one of several static variables/);
});

test('one more of the name in one function proves nothing: it may be any of them', () => {
  const more = new Map([...after.owners, ['count.7', { function: 'first_step', variable: 'count', rank: 1 }]]);
  expect(alignStatics(before, { ...after, owners: more }).proven).toEqual(new Set());
});
