// SPDX-License-Identifier: GPL-2.0-only
import { expect, jest, test } from '@jest/globals';
import { NodeReport, NodeStatus } from '@lockstep/contracts/generated';
import { noLabels } from '@lockstep/domain/labels';
import { parseClusterName, parseKernelBuildId, parseNodeName, parseSeq } from '@lockstep/domain/livepatch-model';
import type { LogName } from '@lockstep/domain/load-order';
import { defaultRules, planRollout, type RolloutPlan } from '@lockstep/domain/rollout-planner';
import { alwaysOpen, type Schedule } from '@lockstep/domain/schedule';
import { TraceMemory } from '@lockstep/platform/tracing';
import { pino } from 'pino';
import { AgentSessions } from '../agents/agent-sessions';
import { KnownLogs } from '../agents/known-logs';
import type { NodeSession } from '../agents/node-session';
import { ChangeNotifier } from '../change-notifier';
import { soleReplica } from '../replicas/replica';
import { RolloutExecutor } from './rollout-executor';

const cluster = parseClusterName('web');
const node = parseNodeName('n1');
const labels = { reported: noLabels, assigned: noLabels };
const schedules = { read: () => Promise.resolve({ of: new Map(), all: alwaysOpen }) };
const log: LogName = { cluster, kernelBuild: parseKernelBuildId('ab'.repeat(20)) };

/** Of which nobody asks what they load. */
const nineEntries = {
  entries: (_: LogName, afterSeq = 0) =>
    Promise.resolve(
      Array.from({ length: 9 - afterSeq }, () => ({ seq: 9, body: { kind: 'retire', retires: 0 } }) as never),
    ),
};

/** A stream of the node in one load order, and where it was told to move. */
function stream(of: LogName): NodeSession & { readonly moves: number[] } {
  const moves: number[] = [];
  return {
    ...{ node, log: of, bootId: of.kernelBuild.slice(0, 2), offeredSeq: 9, moves },
    moveTo: (seq) => moves.push(seq),
    wake: () => undefined,
    release: () => undefined,
    repair: () => undefined,
    probe: () => undefined,
    seen: (report) => report,
    close: () => undefined,
  };
}

/** One pass over a rollout to #3 in the node's load order; `meanwhile` happens while its plan is stored. */
async function pass(
  meanwhile: (sessions: AgentSessions) => void,
  leads = true,
  all: Schedule = alwaysOpen,
): Promise<NodeSession & { readonly moves: readonly number[] }> {
  const policy = { kernelBuild: log.kernelBuild, toSeq: parseSeq(3), ...defaultRules };
  const asPlanned = { node, kernelBuild: log.kernelBuild, connected: true, report: null };
  const plan = planRollout({ policy, parent: null, nowMs: 0, inventory: [asPlanned] });
  const report = NodeReport.fromPartial({ status: NodeStatus.NODE_STATUS_IN_STEP, bootId: 'ab' });
  const sessions = new AgentSessions();
  const rollout = { id: 'r', cluster, policy, plan, status: 'running', startedAt: new Date(), endedAt: null };
  const db = {
    schedules: { read: () => Promise.resolve({ of: new Map(), all }) },
    rollouts: {
      inForce: () => Promise.resolve([rollout]),
      advance: () => {
        meanwhile(sessions);
        return Promise.resolve(true);
      },
    },
  };
  const first = stream(log);
  sessions.enter(first);
  const known = [{ name: node, kernelBuild: log.kernelBuild, report, labels, lastSeenAt: null }];
  const nodes = { list: () => known as never, size: 1 };
  const logs = new KnownLogs(nineEntries);
  const changes = new ChangeNotifier();
  const executor = new RolloutExecutor({
    db: db as never,
    nodes,
    logs,
    sessions,
    replica: { ...soleReplica(), leads: () => leads },
    changes,
    traces: new TraceMemory(),
    log: pino({ level: 'silent' }),
  });
  await executor.start(performance.now());
  executor.wake(cluster);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await executor.stop();
  return first;
}

test('windows and freezes go by the clock on the wall, which may have been set since the start', async () => {
  const shown = Date.now() + 3_600_000;
  const freeze = { name: 'f', selector: '', fromMs: shown - 1_000, untilMs: shown + 60_000, reason: '' };
  const clock = jest.spyOn(Date, 'now').mockReturnValue(shown);
  const { moves } = await pass(() => undefined, true, { windows: [], freezes: [freeze] }).finally(() => {
    clock.mockRestore();
  });
  expect(moves).toEqual([]);
  expect((await pass(() => undefined, true, { windows: [], freezes: [freeze] })).moves).toEqual([3]);
});

test('a move reaches the stream that the node has when its plan is stored', async () => {
  const again = stream(log);
  await pass((sessions) => {
    sessions.enter(again);
  });
  expect(again.moves).toEqual([3]);
});

test('of several control planes one that does not lead, or not any more, stores no plan and moves nobody by it', async () => {
  let stored = 0;
  const here = stream(log);
  await pass((sessions) => {
    stored += 1;
    sessions.enter(here);
  }, false);
  expect([stored, here.moves]).toEqual([0, []]);
});

test.each([
  ['another kernel', { ...log, kernelBuild: parseKernelBuildId('cd'.repeat(20)) }],
  ['another cluster', { ...log, cluster: parseClusterName('db') }],
])('a node that has come back in %s is not moved in a load order that the plan is not about', async (_, other) => {
  const elsewhere = stream(other);
  await pass((sessions) => {
    sessions.enter(elsewhere);
  });
  expect(elsewhere.moves).toEqual([]);
});

test('what an operator says just after a start takes nobody for lost who has not had its time to return', async () => {
  const policy = { kernelBuild: log.kernelBuild, toSeq: parseSeq(3), ...defaultRules };
  const asPlanned = { node, kernelBuild: log.kernelBuild, connected: true, report: null };
  const report = NodeReport.fromPartial({ status: NodeStatus.NODE_STATUS_MOVING, position: 2, target: 3 });
  const sent = { status: 'moving', position: parseSeq(2), target: parseSeq(3), problem: null } as const;
  const plan = planRollout({ policy, parent: null, nowMs: Date.now(), inventory: [{ ...asPlanned, report: sent }] });
  const rollout = { id: 'r', cluster, policy, plan, status: 'running', startedAt: new Date(), endedAt: null };
  const stored: RolloutPlan[] = [];
  const db = {
    schedules,
    rollouts: {
      inForce: () => Promise.resolve([rollout]),
      require: () => Promise.resolve(rollout),
      order: (_: string, __: unknown, by: string, next: RolloutPlan) => {
        expect(by).toBe('anna');
        stored.push(next);
        return Promise.resolve({ ...rollout, plan: next });
      },
    },
  };
  const known = [{ name: node, kernelBuild: log.kernelBuild, report, labels, lastSeenAt: new Date() }];
  const executor = new RolloutExecutor({
    db: db as never,
    nodes: { list: () => known as never, size: 1 },
    logs: new KnownLogs(nineEntries),
    ...{ sessions: new AgentSessions(), changes: new ChangeNotifier(), traces: new TraceMemory() },
    ...{ replica: soleReplica(), log: pino({ level: 'silent' }) },
  });
  await executor.start(performance.now());
  await executor.order('r', { kind: 'pause', reason: 'lunch' }, 'anna');
  await executor.stop();
  expect(stored.map(({ status, nodes }) => [status, nodes[0]?.notYet?.reason])).toEqual([['paused', 'moving']]);
});

test('nothing is planned anew just after a start, while nodes are still to come back: it would be planned without them', async () => {
  const policy = { kernelBuild: log.kernelBuild, toSeq: parseSeq(3), ...defaultRules };
  const report = NodeReport.fromPartial({ status: NodeStatus.NODE_STATUS_IN_STEP, position: 2, target: 2 });
  const known = [{ name: node, kernelBuild: log.kernelBuild, report, labels, lastSeenAt: new Date() }];
  const sessions = new AgentSessions();
  const started: RolloutPlan[] = [];
  const db = {
    schedules,
    rollouts: {
      inForce: () => Promise.resolve([]),
      furthest: () => Promise.resolve(0),
      start: ({ plan }: { plan: RolloutPlan }) => {
        started.push(plan);
        return Promise.resolve({ id: 'r', cluster, policy, plan, status: 'running' });
      },
    },
  };
  const entries = (_: unknown, afterSeq = 0) =>
    Promise.resolve(new Array<never>(9 - afterSeq).fill({ body: { kind: 'retire' } } as never));
  const executor = new RolloutExecutor({
    db: db as never,
    nodes: { list: () => known as never, size: 1 },
    logs: new KnownLogs({ entries }),
    replica: soleReplica(),
    ...{ sessions, changes: new ChangeNotifier(), traces: new TraceMemory(), log: pino({ level: 'silent' }) },
  });
  await executor.start(performance.now());
  const returning = { kind: 'unavailable', reason: 'fleet-returning', fields: { cluster, missing: 1 } };
  await expect(executor.preview(cluster, policy)).rejects.toMatchObject(returning);
  await expect(executor.begin(cluster, policy)).rejects.toMatchObject(returning);
  sessions.enter(stream(log));
  await executor.begin(cluster, policy);
  await executor.stop();
  expect(started.map(({ nodes }) => nodes.map(({ notYet }) => notYet?.reason))).toEqual([['moving']]);
});
