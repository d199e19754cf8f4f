// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { GetBuildResponse, GetOrderResponse } from '@lockstep/contracts/generated';
import fc from 'fast-check';
import { groupsBySize, messageParts } from './message-parts';

const answers = fc.record({
  cluster: fc.string(),
  stack: fc.array(fc.nat()),
  sharedFunctions: fc.array(fc.record({ owners: fc.array(fc.nat()) })),
});

test('parts of a message are messages, within the limit but for single fields, and joined they are it', () => {
  fc.assert(
    fc.property(answers, fc.integer({ min: 1, max: 200 }), (some, limitBytes) => {
      const answer = GetOrderResponse.fromPartial(some);
      const bytes = GetOrderResponse.encode(answer).finish();
      const parts = [...messageParts(bytes, limitBytes)];
      expect(GetOrderResponse.decode(Buffer.concat(parts))).toEqual(answer);
      for (const part of parts) GetOrderResponse.decode(part);
      // Two of them would have fitted into one otherwise.
      for (const [index, part] of parts.slice(1).entries()) {
        expect(part.length + (parts[index]?.length ?? 0)).toBeGreaterThan(limitBytes);
      }
    }),
  );
});

test('nothing is one part', () => {
  expect([...messageParts(GetBuildResponse.encode(GetBuildResponse.fromPartial({})).finish())]).toEqual([
    new Uint8Array(0),
  ]);
});

test('items are grouped in order, none is lost, and a group is over the limit only where one item is', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 30 })), fc.integer({ min: 1, max: 40 }), (sizes, limitBytes) => {
      const groups = [...groupsBySize(sizes, (size) => size, limitBytes)];
      expect(groups.flat()).toEqual(sizes);
      for (const group of groups) {
        const sizeBytes = group.reduce((sum, size) => sum + size, 0);
        expect(group.length === 1 || (group.length > 1 && sizeBytes <= limitBytes)).toBe(true);
      }
    }),
  );
});
