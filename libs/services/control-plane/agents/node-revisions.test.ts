// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import type { NodeReport } from '@lockstep/contracts/generated';
import type { NodeRecord } from '@lockstep/io/database';
import { NodeRevisions } from './node-revisions';

const report = { position: 1 } as unknown as NodeReport;
const node = { name: 'n1', report, labels: {}, lastSeenAt: new Date(1), revokedAt: null } as unknown as NodeRecord;
const heard = (at: number): NodeRecord => ({ ...node, lastSeenAt: new Date(at) });

describe('what is news of a node', () => {
  test('a report, a stream that began or ended, a revocation; no mere sign of life', () => {
    const revisions = new NodeRevisions(1);
    const first = revisions.of(node, true);
    expect(revisions.of(heard(2), true)).toBe(first);
    const steps = [
      () => revisions.of({ ...heard(3), report: { ...report, position: 2 } }, true),
      () => revisions.of({ ...heard(3), revokedAt: new Date(4) }, true),
      () => revisions.of(heard(3), false),
    ];
    for (const step of steps) {
      const before = revisions.current;
      expect(step()).toBe(before + 1);
    }
  });

  test('of one that is away, when it was heard last', () => {
    const revisions = new NodeRevisions(1);
    const first = revisions.of(node, false);
    expect(revisions.of(heard(1), false)).toBe(first);
    expect(revisions.of(heard(2), false)).toBeGreaterThan(first);
  });
});

test('a revision that another process counted is not taken for one of this', () => {
  const [earlier, later] = [new NodeRevisions(1_000), new NodeRevisions(1_001)];
  for (let at = 0; at < 500; at += 1) earlier.of(heard(at), false);
  expect(earlier.isKnown(earlier.current)).toBe(true);
  expect(later.isKnown(earlier.current)).toBe(false);
  expect(earlier.isKnown(later.current)).toBe(false);
  expect(later.isKnown(0)).toBe(false);
});

test('whoever left is not remembered for ever', () => {
  const revisions = new NodeRevisions(1);
  const old = revisions.of(node, true);
  for (let at = 0; at < 1_500; at += 1) revisions.of({ ...node, name: `m${at}` } as unknown as NodeRecord, true);
  revisions.forget(400, (name) => name !== node.name);
  expect(revisions.of(node, true)).toBeGreaterThan(old);
});
