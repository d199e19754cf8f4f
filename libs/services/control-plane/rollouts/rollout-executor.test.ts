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
  // It waits for nothing but turns of the event loop; in fifty milliseconds of a busy machine there may be one.
  for (let turn = 0; turn < 200; turn += 1) await new Promise(setImmediate);
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

/** Of two nodes one is there, and well, since `sinceMs`; the next wave opens when it has been so for ten minutes. */
async function lookAfter(known: { readonly sinceMs: number; readonly lookedAtMs: number }) {
  const policy = { kernelBuild: log.kernelBuild, toSeq: parseSeq(3), ...defaultRules, bakeMs: 600_000 };
  const word = (status: NodeStatus, position: number): NodeReport =>
    NodeReport.fromPartial({ status, bootId: 'ab', position, target: position });
  const [canary, other] = [parseNodeName('n1'), parseNodeName('n2')];
  const facts = [
    { node: canary, position: 3 },
    { node: other, position: 2 },
  ].map(({ node: name, position: at }) => {
    const position = parseSeq(at);
    const report = { status: 'in-step', position, target: position, problem: null } as const;
    return { node: name, kernelBuild: log.kernelBuild, connected: true, report };
  });
  const rules = { ...policy, canaries: 1, waves: [{ nodes: 1 }] };
  const plan = planRollout({ policy: rules, parent: null, nowMs: known.sinceMs, inventory: facts });
  const rollout = { id: 'r', cluster, policy: rules, plan, status: 'running', startedAt: new Date(), endedAt: null };
  const stored: RolloutPlan[] = [];
  const db = {
    schedules,
    rollouts: {
      inForce: () => Promise.resolve([{ ...rollout, lookedAtMs: known.lookedAtMs }]),
      advance: (_: string, next: RolloutPlan) => Promise.resolve(stored.push(next) > 0),
    },
  };
  const sessions = new AgentSessions();
  for (const name of [canary, other]) sessions.enter({ ...stream(log), node: name });
  const nodes = [
    { name: canary, report: word(NodeStatus.NODE_STATUS_IN_STEP, 3) },
    { name: other, report: word(NodeStatus.NODE_STATUS_IN_STEP, 2) },
  ].map((each) => ({ ...each, kernelBuild: log.kernelBuild, labels, lastSeenAt: null }));
  const executor = new RolloutExecutor({
    ...{ db: db as never, nodes: { list: () => nodes as never, size: 2 }, logs: new KnownLogs(nineEntries), sessions },
    ...{ changes: new ChangeNotifier(), traces: new TraceMemory(), replica: soleReplica() },
    log: pino({ level: 'silent' }),
  });
  await executor.start(performance.now());
  executor.wake(cluster);
  const waits = (): string => JSON.stringify(executor.find('r')?.plan.waiting);
  while (waits() === JSON.stringify(plan.waiting)) await new Promise((resolve) => setTimeout(resolve, 5));
  const now = executor.find('r')!.plan;
  await executor.stop();
  return { stored, now, hasMoved: now.nodes.some(({ node: name, released }) => name === other && released) };
}

test('hours in which nobody looked, or that a clock has skipped over a start, prove no wave', async () => {
  const nowMs = Date.now();
  const hourMs = 3_600_000;
  // Looked at until a moment ago: it has proved itself.
  expect(await lookAfter({ sinceMs: nowMs - hourMs, lookedAtMs: nowMs - 1_000 })).toMatchObject({ hasMoved: true });
  // It was there for a minute when somebody looked last, hours ago.
  const { stored, now, hasMoved } = await lookAfter({ sinceMs: nowMs - hourMs - 60_000, lookedAtMs: nowMs - hourMs });
  expect([hasMoved, stored.map(({ generation, parent }) => [generation, parent])]).toEqual([false, [[2, 1]]]);
  const { waiting } = now;
  const leftMs = waiting?.reason === 'bake' ? waiting.untilMs - nowMs : 0;
  expect(Math.round(leftMs / 60_000)).toBe(9);
  // And one that was put back takes nothing of that minute.
  const back = await lookAfter({ sinceMs: nowMs + hourMs - 60_000, lookedAtMs: nowMs + hourMs });
  const untilMs = back.now.waiting?.untilMs ?? 0;
  expect([back.hasMoved, Math.round((untilMs - nowMs) / 60_000)]).toEqual([false, 9]);
});
