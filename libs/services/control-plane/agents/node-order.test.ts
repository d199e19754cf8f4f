// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import type { NodeRecord } from '@lockstep/io/database';
import fc from 'fast-check';
import { comparePlaces, isByName, nodesInOrder, parseNodeOrder, placeKey, type NodePlace } from './node-order';

const anyNode = fc.record({
  name: fc.string({ minLength: 1, maxLength: 3 }),
  cluster: fc.constantFrom('a', 'b'),
  report: fc.option(fc.record({ status: fc.integer({ min: 0, max: 3 }), position: fc.integer({ min: 0, max: 3 }) })),
  kernelRelease: fc.constantFrom('', '6.1'),
  agentVersion: fc.constantFrom('1', '2'),
  lastSeenAt: fc.option(fc.constantFrom(new Date(0), new Date(1))),
}) as unknown as fc.Arbitrary<NodeRecord>;
const anyNodes = fc.uniqueArray(anyNode, { selector: ({ name }) => name, maxLength: 25 });
const words = ['name', 'cluster', 'status', 'position', 'kernel', 'agent', 'last_seen'];
const anyOrder = fc
  .tuple(fc.constantFrom(...words), fc.constantFrom('', ' asc', ' desc'))
  .map(([by, direction]) => parseNodeOrder(`${by}${direction}`));

describe('nodes in an order', () => {
  test('come page by page as they come at once, each once', () => {
    fc.assert(
      fc.property(anyNodes, anyOrder, fc.integer({ min: 1, max: 7 }), (nodes, order, limit) => {
        const all = nodesInOrder(order, nodes, { after: undefined, limit: 1_000 });
        expect(new Set(all)).toEqual(new Set(nodes));
        const key = placeKey(order);
        const paged: NodeRecord[] = [];
        for (let after: NodePlace | undefined; ;) {
          const page = nodesInOrder(order, nodes, { after, limit });
          paged.push(...page);
          const last = page.at(-1);
          if (last === undefined) break;
          // As a token carries it.
          after = key.parse(key.format(key.of(last)));
          expect(after).toEqual(isByName(order) ? [0, last.name] : key.of(last));
        }
        expect(paged).toEqual(all);
      }),
    );
  });

  test('are ordered by what was asked for, and by name where that is the same', () => {
    fc.assert(
      fc.property(anyNodes, anyOrder, (nodes, order) => {
        const key = placeKey(order);
        const places = nodesInOrder(order, nodes, { after: undefined, limit: 1_000 }).map((node) => key.of(node));
        for (const [index, place] of places.slice(1).entries()) {
          expect(comparePlaces(order, places[index]!, place)).toBeLessThan(0);
        }
      }),
    );
  });
});

test('a token of another order is none of this one', () => {
  const status = placeKey(parseNodeOrder('status'));
  const token = placeKey(parseNodeOrder('status desc')).format([1, 'n']);
  expect(status.parse(token)).toBeUndefined();
  for (const text of ['n1', '[]', '["status",false]', '["status",false,{},"n"]', '["status",false,1,2]']) {
    expect(status.parse(text)).toBeUndefined();
  }
});

test('an order that there is not is refused with those that there are', () => {
  for (const text of ['toString', 'status down', 'name, status', 'desc']) {
    expect(() => parseNodeOrder(text)).toThrow(expect.objectContaining({ reason: 'invalid-order' }));
  }
  expect(isByName(parseNodeOrder(''))).toBe(true);
  expect(isByName(parseNodeOrder('name desc'))).toBe(false);
});
