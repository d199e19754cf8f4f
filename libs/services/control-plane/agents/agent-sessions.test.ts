// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseClusterName, parseKernelBuildId, parseNodeName } from '@lockstep/domain/livepatch-model';
import { AgentSessions } from './agent-sessions';
import type { NodeSession } from './node-session';

const log = { cluster: parseClusterName('c'), kernelBuild: parseKernelBuildId('ab'.repeat(20)) };

/** A stream that only notes that it was woken. */
function session(name: string, over: Partial<NodeSession> = {}) {
  const woken: string[] = [];
  const made: NodeSession = {
    ...{ node: parseNodeName(name), log, bootId: 'b1', offeredSeq: 0 },
    wake: () => woken.push(name),
    moveTo: () => undefined,
    release: () => undefined,
    repair: () => undefined,
    probe: () => undefined,
    seen: (report) => report,
    close: () => undefined,
    ...over,
  };
  return { made, woken };
}

test('a node that goes alone is waited for some seconds; thousands that go at once, as long as they need to return', () => {
  const sessions = new AgentSessions();
  const { made: alone } = session('alone');
  sessions.enter(alone);
  expect(sessions.leave(alone, 0)).toBeLessThan(31_000);
  expect([30_000, 31_000].map((nowMs) => sessions.countsAsConnected(alone.node, nowMs))).toEqual([true, false]);
  const many = Array.from({ length: 5_000 }, (_, index) => session(`n${index}`).made);
  for (const each of many) sessions.enter(each);
  for (const each of many) sessions.leave(each, 100_000);
  const last = many.at(-1)!.node;
  expect([150_000, 165_000].map((nowMs) => sessions.countsAsConnected(last, nowMs))).toEqual([true, false]);
});

test('new entries wake the nodes of their log, each once, and none that has gone or was replaced', async () => {
  const sessions = new AgentSessions();
  const other = { ...log, cluster: parseClusterName('other') };
  const [first, second, gone, elsewhere] = [session('n1'), session('n1'), session('n2'), session('n3', { log: other })];
  for (const { made } of [first, second, gone, elsewhere]) sessions.enter(made);
  sessions.leave(gone.made, 0);
  expect(sessions.leave(first.made, 0)).toBeUndefined();
  await sessions.wakeAll(log);
  expect([first, second, gone, elsewhere].map(({ woken }) => woken)).toEqual([[], ['n1'], [], []]);
});

test('a node that another control plane holds counts as connected until that one says otherwise, or is gone', () => {
  const sessions = new AgentSessions();
  const closed: unknown[] = [];
  const { made } = session('n1', { close: (error) => closed.push(error) });
  sessions.enter(made);
  sessions.enterElsewhere(made.node, { replica: 'there', bootId: 'b1' });
  expect(closed).toMatchObject([{ reason: 'replaced' }]);
  expect(sessions.leave(made, 0)).toBeUndefined();
  expect([sessions.isConnected(made.node), sessions.connectedCount]).toEqual([true, 1]);
  // It hangs: its node notices later.
  const waitMs = sessions.loseReplica('there', 1_000);
  expect(waitMs).toBeGreaterThan(30_000);
  expect([sessions.isConnected(made.node), sessions.countsAsConnected(made.node, 31_000)]).toEqual([false, true]);
  expect(sessions.countsAsConnected(made.node, 1_000 + waitMs + 1)).toBe(false);
  sessions.enterElsewhere(made.node, { replica: 'other', bootId: 'b1' });
  expect(sessions.leaveElsewhere(made.node, 0)).toBeLessThan(waitMs);
  expect(sessions.leaveElsewhere(made.node, 0)).toBeUndefined();
});

test('two machines with one key are found out also where they speak with two control planes in turn', () => {
  const sessions = new AgentSessions();
  const { made } = session('n1');
  sessions.enter(made);
  sessions.enterElsewhere(made.node, { replica: 'there', bootId: 'b2' });
  expect(sessions.leave(made, 0)).toBeUndefined();
  // It was this boot's place that the other one took.
  expect(sessions.noteHello(made.node, 'b1')).toBe(true);
  expect(sessions.twinProblem(made.node)?.reason).toBe('cloned');
  // A machine that has booted again is none.
  expect(sessions.noteHello(made.node, 'b3')).toBe(false);
});

test('nothing is remembered of a node that was taken out', () => {
  const sessions = new AgentSessions();
  const { made } = session('n1');
  sessions.enter(made);
  expect([sessions.noteHello(made.node, 'b2'), sessions.hasCome(made.node)]).toEqual([false, true]);
  sessions.enter(session('n1', { bootId: 'b2' }).made);
  sessions.forget(made.node);
  // A machine of that name that is let in later is no twin of the one before.
  expect([sessions.noteHello(made.node, 'b1'), sessions.hasCome(made.node)]).toEqual([false, false]);
});

test('many are woken over a time, where nothing hurries', async () => {
  const sessions = new AgentSessions();
  const many = Array.from({ length: 250 }, (_, index) => session(`n${index}`));
  for (const { made } of many) sessions.enter(made);
  const count = () => many.filter(({ woken }) => woken.length > 0).length;
  const waking = sessions.wakeAll(log, 50);
  expect(count()).toBe(100);
  await waking;
  expect(count()).toBe(250);
});
