// SPDX-License-Identifier: GPL-2.0-only
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { changedTypes, refuseTypeChanges } from '@lockstep/domain/type-layouts';
import { compileC } from './index';

const source = join(__dirname, 'sources/variable-types.c');
const original = compileC(source, '-gdwarf-4');
const changes = changedTypes(original, compileC(source, '-DPATCHED', '-gdwarf-4'), 'variable-types.o');

test.each<[string, RegExp]>([
  ['struct holder', /^is struct \{ .*last@4 unsigned int : 8 \}, and was struct \{ .*last@4 unsigned int : 4 \}$/],
  ['variable swapped', /^is at byte 4, and was at byte 0$/],
  ['variable table', /^is at byte 2, and was at byte 0$/],
  ['variable elsewhere', /^is at byte 1, and was at byte 0$/],
  ['variable overlaid', /^is at byte 4, and was at byte 0$/],
  ['variable own', /^is at byte 4, and was at byte 0$/],
  ['variable grid', /^is int \[2\]\[8\], and was int \[8\]\[2\]$/],
  ['variable counted', /at byte 0, and was at byte 4$/],
  ['variable larger', /^is new, at byte 8$/],
])('%s', (type, what) => {
  const found = changes.find((change) => change.type === type);
  expect(found?.what).toMatch(what);
  expect(found?.lifetime).toBe('longer');
});

test('nothing else: a type that is only called otherwise, a variable that is the same', () => {
  expect(changes).toHaveLength(9);
  expect(changedTypes(original, original, 'variable-types.o')).toEqual([]);
});

test('each is refused by name, and let in by it', () => {
  const types = changes.filter(({ type }) => type === 'variable swapped');
  const objects = [{ objectPath: 'a.o', types }];
  expect(() => refuseTypeChanges(objects, undefined, true)).toThrow(
    expect.objectContaining({
      reason: 'type-changed',
      message: expect.stringMatching(
        /one of variable swapped is at byte 4.*use a new one for new state.*'variable swapped'/s,
      ),
    }),
  );
  expect(refuseTypeChanges(objects, { types: ['swapped'], because: 'both are zero' }, true)).toEqual(types);
});
