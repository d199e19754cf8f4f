// SPDX-License-Identifier: GPL-2.0-only
import { expect, jest, test } from '@jest/globals';
import { NodeReport, NodeStatus } from '@lockstep/contracts/generated';
import type { EventType, FleetEvent } from '@lockstep/domain/fleet-events';
import { parseClusterName, parseKernelBuildId, parseNodeName, parseSeq } from '@lockstep/domain/livepatch-model';
import { defaultRules, planRollout, type NodePlan } from '@lockstep/domain/rollout-planner';
import { pino } from 'pino';
import { ChangeNotifier } from '../change-notifier';
import { soleReplica } from '../replicas/replica';
import { EventDeriver } from './event-deriver';
import { EventLog } from './event-log';
import { NodeWatch } from './node-watch';

const cluster = parseClusterName('web');
const name = parseNodeName('n1');
const policy = { kernelBuild: parseKernelBuildId('ab'.repeat(20)), toSeq: parseSeq(1), ...defaultRules };

/** A log of events in memory, and one rollout whose only node is as its plan says. */
class Bench {
  readonly tried: string[] = [];
  readonly rows: { key: string; seq: number; type: EventType; subject: string }[] = [];
  readonly changes = new ChangeNotifier();
  isConnected = false;
  leads = true;
  status = NodeStatus.NODE_STATUS_IN_STEP;
  losesAnswers = 0;
  failsToList = 0;
  failsToAsk = 0;
  private seq = 0;
  private readonly store = {
    add: async (events: readonly FleetEvent[]) => {
      this.tried.push(...events.map(({ key }) => key));
      const added = events.filter(({ key }) => !this.rows.some((row) => row.key === key));
      const rows = added.map(({ key, type, subject }) => ({ key, type, subject, seq: (this.seq += 1) }));
      this.rows.push(...rows);
      if (this.losesAnswers > 0) {
        this.losesAnswers -= 1;
        throw new Error('The connection is gone.');
      }
      return rows;
    },
    toldOf: async (subject: string) => {
      this.failsToAsk -= 1;
      if (this.failsToAsk >= 0) throw new Error('The connection is gone.');
      return this.rows.filter((row) => row.subject === subject);
    },
    lastOfNodes: async () =>
      new Map(this.rows.filter(({ type }) => type.startsWith('node.')).map((row) => [row.subject, row])),
    forgetOld: async () => undefined,
  };
  private readonly node = () => ({ name, cluster, report: NodeReport.fromPartial({ status: this.status }) });
  private readonly replica = { ...soleReplica(), leads: () => this.leads };
  readonly watch = new NodeWatch({
    nodes: { find: () => this.node() as never },
    sessions: { isConnected: () => this.isConnected },
    store: this.store,
    events: new EventLog(this.store, this.changes),
    replica: this.replica,
  });
  readonly deriver: EventDeriver;

  constructor(notYet: NodePlan['notYet'], endedAt: Date | null = null) {
    const facts = { node: name, kernelBuild: policy.kernelBuild, connected: true, report: null };
    const first = planRollout({ policy, parent: null, nowMs: 0, inventory: [facts] });
    const nodes = first.nodes.map((node) => ({ ...node, released: true, notYet }));
    const status = endedAt === null ? 'running' : 'succeeded';
    const rollout = { id: 'r1', cluster, policy, plan: { ...first, nodes, status }, status, endedAt };
    const page = async () => {
      this.failsToList -= 1;
      if (this.failsToList >= 0) throw new Error('The connection is gone.');
      return [{ id: 'r1', endedAt }];
    };
    const rollouts = { page, require: async () => rollout };
    this.deriver = new EventDeriver({
      db: {
        events: this.store,
        rollouts,
        campaigns: { page: async () => [] },
        builds: { page: async () => [] },
      } as never,
      rollouts: { find: () => rollout as never },
      events: new EventLog(this.store, this.changes),
      replica: this.replica,
      ...{ changes: this.changes, nodes: this.watch, log: pino({ level: 'silent' }) },
    });
  }

  /** After a start, or whatever else there is to hear. */
  async settle(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('of a node that a plan from before the start had lost nobody is told: it may have come back since', async () => {
  const bench = new Bench({ reason: 'lost' });
  await bench.deriver.start(Date.now());
  await bench.settle();
  await bench.deriver.stop();
  expect(bench.rows.map(({ type }) => type)).toEqual(['rollout.started', 'rollout.wave-opened']);
});

test.each([
  [false, ['node.lost']],
  [true, []],
])('of a node that is lost by a plan and connected: %p', async (isConnected, expected) => {
  const bench = new Bench({ reason: 'lost' });
  bench.isConnected = isConnected;
  await bench.deriver.start(0);
  bench.changes.notify('rollout:r1');
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await bench.deriver.stop();
  expect(bench.rows.map(({ type }) => type).filter((type) => type.startsWith('node.'))).toEqual(expected);
});

test('a node that a plan has lost is told of, also where the first look at it failed', async () => {
  const bench = new Bench({ reason: 'lost' });
  jest.useFakeTimers();
  await bench.deriver.start(0);
  await jest.advanceTimersByTimeAsync(2_000);
  bench.failsToAsk = 1;
  bench.changes.notify('rollout:r1');
  await jest.advanceTimersByTimeAsync(2_000);
  expect(bench.rows.map(({ type }) => type)).not.toContain('node.lost');
  await jest.advanceTimersByTimeAsync(10_000);
  jest.useRealTimers();
  await bench.settle();
  await bench.deriver.stop();
  expect(bench.rows.map(({ type }) => type)).toContain('node.lost');
});

test('what was told is not tried again: each try would take a seq', async () => {
  const bench = new Bench(null);
  await bench.deriver.start(Date.now());
  await bench.settle();
  const before = bench.tried.length;
  bench.changes.notify('rollout:r1');
  await new Promise((resolve) => setTimeout(resolve, 1_100));
  await bench.deriver.stop();
  expect([before, bench.tried.length]).toEqual([2, 2]);
});

test('of a rollout that ended long ago nothing is told again, once that is forgotten', async () => {
  const bench = new Bench(null, new Date(Date.now() - 31 * 24 * 3_600_000));
  await bench.deriver.start(Date.now());
  bench.changes.notify('rollout:r1');
  await bench.settle();
  await bench.deriver.stop();
  expect(bench.rows).toEqual([]);
});

test('an answer that was lost costs no later event of that node', async () => {
  const bench = new Bench(null);
  bench.losesAnswers = 1;
  bench.status = NodeStatus.NODE_STATUS_FAILED;
  await expect(bench.watch.look([name])).rejects.toThrow('The connection is gone.');
  bench.status = NodeStatus.NODE_STATUS_IN_STEP;
  await bench.watch.look([name]);
  bench.status = NodeStatus.NODE_STATUS_FAILED;
  await bench.watch.look([name]);
  bench.status = NodeStatus.NODE_STATUS_IN_STEP;
  await bench.watch.look([name]);
  expect(bench.rows.map(({ type }) => type)).toEqual([
    'node.failed',
    'node.recovered',
    'node.failed',
    'node.recovered',
  ]);
});

test('of several control planes the one that leads tells, and when it is another one, that one tells the rest', async () => {
  const bench = new Bench(null);
  bench.leads = false;
  bench.isConnected = true;
  bench.status = NodeStatus.NODE_STATUS_FAILED;
  await bench.deriver.start(Date.now());
  bench.changes.notify('rollout:r1');
  bench.deriver.noticeNode(name);
  await bench.settle();
  expect(bench.tried).toEqual([]);
  bench.leads = true;
  bench.deriver.takeOver([name]);
  await bench.settle();
  await bench.deriver.stop();
  expect(bench.rows.map(({ type }) => type).sort()).toEqual(['node.failed', 'rollout.started', 'rollout.wave-opened']);
});

test('who takes over while the database is away looks again: nobody else tells what happened in between', async () => {
  const bench = new Bench(null);
  bench.failsToList = 1;
  jest.useFakeTimers();
  bench.deriver.takeOver([]);
  await jest.advanceTimersByTimeAsync(1_000);
  expect(bench.rows).toEqual([]);
  await jest.advanceTimersByTimeAsync(5_000);
  jest.useRealTimers();
  await bench.settle();
  await bench.deriver.stop();
  expect(bench.rows.map(({ type }) => type)).toEqual(['rollout.started', 'rollout.wave-opened']);
});
