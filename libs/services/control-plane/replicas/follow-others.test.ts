// SPDX-License-Identifier: GPL-2.0-only
import { EventEmitter, once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { NodeReport, NodeStatus } from '@lockstep/contracts/generated';
import { noLabels } from '@lockstep/domain/labels';
import { parseClusterName, parseKernelBuildId, parseNodeName } from '@lockstep/domain/livepatch-model';
import type { NodeOrder, NodeOrderStore, NodeRecord } from '@lockstep/io/database';
import { pino } from 'pino';
import { AgentSessions } from '../agents/agent-sessions';
import { KnownLogs } from '../agents/known-logs';
import { KnownNodes } from '../agents/known-nodes';
import { NodeOrders } from '../agents/node-orders';
import { ChangeNotifier } from '../change-notifier';
import { OpenCalls } from '../grpc/open-calls';
import { repairNode } from '../routes/drift';
import { eventually } from '../tests/eventually';
import { FollowOthers } from './follow-others';
import type { ReplicaHandlers } from './living-replica';
import { readNews, writeNews, type News } from './news';

const name = parseNodeName('n1');
const log = pino({ level: 'silent' });
const here = 'ours';

const row: NodeRecord = {
  ...{ name, cluster: parseClusterName('web'), kernelBuild: parseKernelBuildId('ab'.repeat(20)), kernelRelease: '' },
  ...{ agentVersion: '', bootId: 'b1', patchedCore: false, entryVersions: [], certificateFingerprint: 'f' },
  ...{ labels: { reported: noLabels, assigned: noLabels }, labelsRevision: 0, report: null, lastSeenAt: null },
  ...{ sessionEpoch: 1, certificateEndsAt: null, revokedAt: null, replica: here, revision: 1 },
};

/** Orders as a database keeps them, for all who share it. */
function keptOrders(): NodeOrderStore {
  let kept: NodeOrder[] = [];
  const others = ({ node, kind }: NodeOrder) => kept.filter((each) => each.node !== node || each.kind !== kind);
  return {
    list: async () => [...kept],
    give: async (order) => {
      kept = [...others(order), order];
    },
    end: async (order) => {
      kept = others(order);
    },
  };
}

/** What one of several takes in, of others that never announce anything. */
async function following(rows: { written: NodeRecord[] }, orderStore = keptOrders()) {
  const store = { list: async () => [row], find: async () => rows.written[0] ?? row };
  const nodes = new KnownNodes({ store: store as never, replica: here, log });
  await nodes.start();
  const calls = new OpenCalls();
  const sessions = new AgentSessions();
  const orders = new NodeOrders({ store: orderStore, sessions, announce: () => undefined, log });
  const isAlive = (replica: string): boolean => replica === 'theirs';
  let handlers: ReplicaHandlers | undefined;
  const start = async (given: ReplicaHandlers): Promise<void> => {
    handlers = given;
  };
  const silent = { id: here, start, stop: async () => undefined, isAlive };
  const others = new FollowOthers({
    store: {
      nodeChanges: async (since) => ({ nodes: since === null ? [] : rows.written, horizon: 1n }),
      labelRevisions: async () => new Map(),
    },
    replica: silent as never,
    ...{ nodes, calls, log, sessions, orders, changes: new ChangeNotifier() },
    tokens: { readAgain: async () => undefined },
    authorities: { readAgain: async () => undefined },
    deriver: { noticeNode: () => undefined, takeOver: () => undefined },
    webhooks: { request: () => undefined },
    logs: new KnownLogs({ entries: async () => [] }),
    rollouts: { wake: () => undefined, readAgain: () => undefined } as never,
  });
  await others.note();
  await others.start();
  const stop = async (): Promise<void> => {
    await others.stop();
    await nodes.stop();
  };
  return { nodes, calls, sessions, orders, stop, handlers: handlers as ReplicaHandlers };
}

const isConnectedSoon = (sessions: AgentSessions, isConnected: boolean): Promise<void> =>
  eventually(() => {
    expect(sessions.isConnected(name)).toBe(isConnected);
  });

test('what nobody announced, or nobody heard, is found by looking: a revoked certificate ends its calls here', async () => {
  const rows: { written: NodeRecord[] } = { written: [] };
  const { nodes, calls, stop } = await following(rows);
  const call = calls.open(new EventEmitter(), 'stream', name);
  rows.written = [{ ...row, revokedAt: new Date(), revision: 2 }];
  // Before everything is looked through, which is each fifteen seconds.
  await Promise.race([once(call.signal, 'abort'), sleep(12_000, undefined, { ref: false })]);
  await stop();
  expect(call.signal.reason).toMatchObject({ reason: 'certificate-revoked' });
  expect(nodes.require(name).revokedAt).not.toBeNull();
});

test.each([
  ['enrolled again', 2],
  ['was removed and has joined again', 0],
])(
  'what a machine has under way ends where another one %s in its name, also where nobody announced it',
  async (_, sessionEpoch) => {
    const rows: { written: NodeRecord[] } = { written: [] };
    const { nodes, calls, sessions, stop } = await following(rows);
    const call = calls.open(new EventEmitter(), 'stream', name);
    rows.written = [{ ...row, certificateFingerprint: 'another', sessionEpoch, replica: 'theirs', revision: 2 }];
    await Promise.race([once(call.signal, 'abort'), sleep(12_000, undefined, { ref: false })]);
    await isConnectedSoon(sessions, true);
    await stop();
    expect(call.signal.reason).toMatchObject({ reason: 'certificate-superseded' });
    expect(nodes.require(name).certificateFingerprint).toBe('another');
  },
);

describe('an operator’s word to a node whose stream another control plane holds', () => {
  const report = NodeReport.fromPartial({
    status: NodeStatus.NODE_STATUS_DIVERGED,
    stack: [{ moduleName: 'stranger', enabled: true }],
  });

  /** Any of them is asked; what it announces, and what the one that holds the stream told the node. */
  async function asked() {
    const store = keptOrders();
    const announced: News[] = [];
    const sessions = new AgentSessions();
    sessions.enterElsewhere(name, { replica: here, bootId: 'b1' });
    const announce = () => announced.push({ kind: 'node-orders' });
    const orders = new NodeOrders({ store, sessions, announce, log });
    const nodes = { require: () => ({ ...row, report }) };
    const logs = new KnownLogs({ entries: async () => [] });
    const answer = await repairNode({ nodes, logs, sessions, orders } as never, { name });
    expect(answer.modules).toEqual(['stranger']);
    const repaired: (readonly string[])[] = [];
    const session = { node: name, log: row, bootId: 'b1', repair: (modules: string[]) => repaired.push(modules) };
    return { store, announced, repaired, session: session as never };
  }

  test('is told where it is announced, and once', async () => {
    const { store, announced, repaired, session } = await asked();
    const { sessions, stop, handlers } = await following({ written: [] }, store);
    sessions.enter(session);
    for (const news of announced) handlers.onNews(readNews(writeNews('theirs', news))!.news);
    await eventually(() => {
      expect(repaired).toEqual([['stranger']]);
    });
    handlers.onNews({ kind: 'node-orders' });
    await sleep(50);
    await stop();
    expect(repaired).toEqual([['stranger']]);
  });

  test('is told where nobody heard that there is one, and again to each stream until a report shows that it was done', async () => {
    const { store, repaired, session } = await asked();
    const { sessions, orders, stop } = await following({ written: [] }, store);
    sessions.enter(session);
    await eventually(() => {
      expect(repaired).toEqual([['stranger']]);
    });
    orders.remind(session);
    // It may not have looked yet, or goes on showing it.
    orders.noteReport(name, NodeReport.fromPartial({ status: NodeStatus.NODE_STATUS_MOVING }));
    orders.noteReport(name, report);
    await sleep(20);
    orders.remind(session);
    expect(repaired).toHaveLength(3);
    orders.noteReport(name, NodeReport.fromPartial({ status: NodeStatus.NODE_STATUS_IN_STEP }));
    await eventually(async () => {
      expect(await store.list()).toEqual([]);
    });
    orders.remind(session);
    await stop();
    expect(repaired).toHaveLength(3);
  });
});

test('a node that another control plane holds, and that we took for gone, is found again', async () => {
  const rows: { written: NodeRecord[] } = { written: [{ ...row, sessionEpoch: 2, replica: 'theirs', revision: 2 }] };
  const { sessions, stop, handlers } = await following(rows);
  handlers.onGap();
  await isConnectedSoon(sessions, true);
  rows.written = [];
  // As where a removal was begun, and the database refused it.
  sessions.leaveElsewhere(name, performance.now());
  handlers.onGap();
  await isConnectedSoon(sessions, true);
  await stop();
});

test('a row from before its newest stream began says nothing of where a node is, whatever else it tells', async () => {
  const rows: { written: NodeRecord[] } = { written: [] };
  const { nodes, sessions, stop, handlers } = await following(rows);
  const later = { ...row, sessionEpoch: 3, replica: null, revision: 9 };
  rows.written = [{ ...later, replica: 'theirs', revision: 8 }];
  handlers.onGap();
  await isConnectedSoon(sessions, true);
  rows.written = [later];
  handlers.onGap();
  await isConnectedSoon(sessions, false);
  // Read earlier, come later: it tells that the key was revoked, and no more.
  rows.written = [{ ...row, sessionEpoch: 2, replica: 'theirs', revokedAt: new Date(), revision: 7 }];
  handlers.onGap();
  await eventually(() => {
    expect(nodes.require(name)).toMatchObject({ sessionEpoch: 3, replica: null, revokedAt: expect.any(Date) });
  });
  await stop();
  expect(sessions.isConnected(name)).toBe(false);
});
