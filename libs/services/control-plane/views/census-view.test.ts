// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import { NodeReport, NodeStatus } from '@lockstep/contracts/generated';
import { parseClusterName, parseKernelBuildId, parseSeq } from '@lockstep/domain/livepatch-model';
import type { SignedHead } from '@lockstep/domain/load-order';
import type { NodeRecord, UnconfirmedRecord } from '@lockstep/io/database';
import fc from 'fast-check';
import { censusToWire } from './census-view';

const web = parseClusterName('web');
const db = parseClusterName('db');
const kernels = ['ab', 'cd'].map((byte) => parseKernelBuildId(byte.repeat(20)));
const nowMs = Date.parse('2030-01-02T00:00:00Z');
const appendedAt = new Date('2030-01-01T00:00:00Z');
const heads = [{ cluster: web, kernelBuild: kernels[0]!, appendedAt, seq: parseSeq(3) }];
const signedAtMs = nowMs - 60_000;
const signedHeads = [
  { cluster: web, kernelBuild: kernels[0]!, issuedAtMs: signedAtMs, expiresAtMs: nowMs },
] as SignedHead[];
const { NODE_STATUS_IN_STEP, NODE_STATUS_MOVING, NODE_STATUS_FAILED, NODE_STATUS_UNSPECIFIED } = NodeStatus;

interface Some {
  readonly cluster?: NodeRecord['cluster'];
  readonly kernel?: number;
  readonly status?: NodeStatus;
  readonly position?: number;
  readonly version?: string;
  readonly isAway?: boolean;
  readonly headExpiresAtMs?: number;
}

const recordOf = ({
  cluster = web,
  kernel = 0,
  status,
  position = 0,
  version = '1.0.0',
  isAway,
  headExpiresAtMs: expiresAtMs,
}: Some) => ({
  ...{ cluster, kernelBuild: kernels[kernel] ?? null, kernelRelease: `6.1.${kernel}`, agentVersion: version },
  report:
    status === undefined
      ? null
      : NodeReport.fromPartial({ status, position, ...(expiresAtMs && { heardHead: { expiresAtMs } }) }),
  isAway: isAway === true,
});

const censusOf = (some: readonly Some[], unconfirmed: readonly UnconfirmedRecord[] = []) =>
  censusToWire({
    unconfirmed,
    ...{ clusters: [db, web], heads, signedHeads, nodes: some.map(recordOf) as never },
    isConnected: (node) => !(node as unknown as { isAway: boolean }).isAway,
    nowMs,
  });

describe('a census', () => {
  test('counts who is connected and has heard for a day of no end of its load order', () => {
    const status = NODE_STATUS_IN_STEP;
    const [, ofWeb] = censusOf([
      { status, headExpiresAtMs: nowMs },
      { status, headExpiresAtMs: nowMs + 1 },
      { status, headExpiresAtMs: nowMs - 1, isAway: true },
      { status },
      {},
    ]);
    expect(ofWeb?.headOverdue).toBe(1);
  });

  test('says of each cluster how many nodes are how, hold what, and run which agent', () => {
    const census = censusOf([
      { status: NODE_STATUS_IN_STEP, position: 3 },
      { status: NODE_STATUS_IN_STEP, position: 3, version: '0.9.0' },
      // In step with its own target, which is not the head.
      { status: NODE_STATUS_IN_STEP, position: 2 },
      { status: NODE_STATUS_FAILED, position: 3, isAway: true },
      {},
      { cluster: db, kernel: 1, status: NODE_STATUS_MOVING },
    ]);
    expect(census).toEqual([
      {
        ...{
          cluster: 'db',
          nodes: 1,
          connected: 1,
          headOverdue: 0,
          statuses: [{ status: NODE_STATUS_MOVING, nodes: 1 }],
        },
        ...{ agentVersions: [{ version: '1.0.0', nodes: 1 }], unconfirmed: [] },
        orders: [
          {
            ...{
              kernelBuildId: kernels[1],
              kernelRelease: '6.1.1',
              nodes: 1,
              atHead: 0,
              headSeq: 0,
              headAt: undefined,
              headSignedAt: undefined,
              headExpiresAt: undefined,
            },
            positions: [{ position: 0, nodes: 1 }],
          },
        ],
      },
      {
        ...{ cluster: 'web', nodes: 5, connected: 4, headOverdue: 0, unconfirmed: [] },
        statuses: [
          { status: NODE_STATUS_UNSPECIFIED, nodes: 1 },
          { status: NODE_STATUS_IN_STEP, nodes: 3 },
          { status: NODE_STATUS_FAILED, nodes: 1 },
        ],
        agentVersions: [
          { version: '0.9.0', nodes: 1 },
          { version: '1.0.0', nodes: 4 },
        ],
        orders: [
          {
            ...{
              kernelBuildId: kernels[0],
              kernelRelease: '6.1.0',
              nodes: 5,
              atHead: 2,
              headSeq: 3,
              headAt: appendedAt,
              headSignedAt: new Date(signedAtMs),
              headExpiresAt: new Date(nowMs),
            },
            positions: [
              { position: 2, nodes: 1 },
              { position: 3, nodes: 3 },
            ],
          },
        ],
      },
    ]);
  });

  test('names the emergencies of each cluster that nobody else has confirmed', () => {
    const emergency = { id: 'r1', by: 'person:a', reason: 'CVE', startedAt: appendedAt };
    expect(censusOf([], [{ ...emergency, cluster: web }]).map(({ unconfirmed }) => unconfirmed)).toEqual([
      [],
      [emergency],
    ]);
  });

  test('without nodes there are clusters and the heads of their load orders', () => {
    expect(
      censusOf([]).map(({ cluster, nodes, orders }) => [cluster, nodes, orders.map(({ headSeq }) => headSeq)]),
    ).toEqual([
      ['db', 0, []],
      ['web', 0, [3]],
    ]);
  });

  test('counts each node once, in its own cluster, whatever it is', () => {
    const some = fc.record({
      cluster: fc.constantFrom(web, db, parseClusterName('unseen')),
      kernel: fc.constantFrom(0, 1, 2),
      status: fc.option(fc.constantFrom(NODE_STATUS_IN_STEP, NODE_STATUS_MOVING), { nil: undefined }),
      position: fc.nat(5),
      isAway: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(some), (nodes) => {
        for (const { cluster, nodes: count, connected, statuses, orders } of censusOf(nodes as Some[])) {
          const own = nodes.filter((node) => node.cluster === cluster);
          const sum = (counts: readonly { readonly nodes: number }[]): number =>
            counts.reduce((total, each) => total + each.nodes, 0);
          expect([count, sum(statuses)]).toEqual([own.length, own.length]);
          expect(connected).toBe(own.filter(({ isAway }) => !isAway).length);
          expect(sum(orders)).toBe(own.filter(({ kernel }) => kernel < 2).length);
        }
      }),
    );
  });
});
