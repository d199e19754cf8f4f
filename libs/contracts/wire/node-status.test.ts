// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { NodeReport, NodeStatus } from '@lockstep/contracts/generated';
import { nodeStatusFromWire, nodeStatusToWire } from './node-status';

const wireValues = Object.values(NodeStatus).filter((value): value is NodeStatus => typeof value === 'number');

test('every status of the wire but "unspecified" has a word, and comes back as it was', () => {
  const known = wireValues.filter((value) => value !== NodeStatus.NODE_STATUS_UNSPECIFIED);
  const words = known.map((value) => nodeStatusFromWire(value));
  expect(words).not.toContain(undefined);
  expect(words.map((word) => nodeStatusToWire(word!))).toEqual(known);
  expect(new Set(words).size).toBe(known.length);
});

test('a status of a newer version is none that this one knows', () => {
  expect(nodeStatusFromWire(NodeReport.decode(Uint8Array.of(8, 99)).status)).toBeUndefined();
  expect(nodeStatusFromWire(NodeStatus.NODE_STATUS_UNSPECIFIED)).toBeUndefined();
});
