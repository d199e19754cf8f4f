// SPDX-License-Identifier: GPL-2.0-only
import { Readable } from 'node:stream';
import { afterEach, expect, jest, test } from '@jest/globals';
import { ConnectRequest, Hello } from '@lockstep/contracts/generated';
import { noLabels } from '@lockstep/domain/labels';
import { parseClusterName, parseKernelBuildId, parseNodeName } from '@lockstep/domain/livepatch-model';
import type { NodeRecord } from '@lockstep/io/database';
import { pino } from 'pino';
import { Admission } from '../agents/admission';
import { AgentSessions } from '../agents/agent-sessions';
import { KnownLogs } from '../agents/known-logs';
import { KnownNodes } from '../agents/known-nodes';
import type { NodeSession } from '../agents/node-session';
import { connect } from './connect';

const node: NodeRecord = {
  ...{ name: parseNodeName('n1'), cluster: parseClusterName('web'), certificateFingerprint: '', report: null },
  ...{ kernelBuild: parseKernelBuildId('ab'.repeat(20)), kernelRelease: '', agentVersion: '', bootId: 'b1' },
  ...{
    patchedCore: false,
    entryVersions: [],
    sessionEpoch: 7,
    lastSeenAt: null,
    revokedAt: null,
    replica: null,
    revision: 1,
  },
  ...{ labels: { reported: noLabels, assigned: noLabels }, labelsRevision: 0, certificateEndsAt: null },
};
const connecting = { node, certificateEndsAt: new Date('2027-01-01') };

const saying = (hello: Hello): Buffer =>
  Buffer.from(ConnectRequest.encode({ message: { $case: 'hello', value: hello } }).finish());

test('a stream that broke while its node was being welcomed takes no living one’s place', async () => {
  const sessions = new AgentSessions();
  const closed: unknown[] = [];
  const log = { cluster: node.cluster, kernelBuild: node.kernelBuild };
  const living = { node: node.name, log, bootId: 'b1', close: (error: unknown) => closed.push(error) };
  const abort = new AbortController();
  const nodes = {
    // It breaks just then, and the agent has come again.
    introduce: () => {
      sessions.enter(living as unknown as NodeSession);
      abort.abort(new Error('it broke'));
      return Promise.resolve(node);
    },
    // The living one is the newest.
    noteDeparture: () => false,
  };
  const rollouts = { wake: () => undefined, noticeDeparture: () => undefined };
  const logs = new KnownLogs({ entries: () => Promise.resolve([]) });
  const admission = new Admission({ mostAtOnce: 1, mostWaiting: 0, windowMs: () => 0 });
  const services = { nodes, logs, admission, sessions, rollouts, log: pino({ level: 'silent' }), authority: {} };
  const hello = Hello.fromPartial({ kernelBuildId: 'ab'.repeat(20), bootId: 'b1' });
  const call = Object.assign(Readable.from([saying(hello)]), { write: () => true });
  await expect(connect(services as never, connecting, call, abort)).rejects.toThrow('it broke');
  expect(closed).toEqual([]);
  expect(sessions.find(node.name)).toBe(living);
});

test('a stream whose node has come to another control plane while it was being welcomed is not taken for the living one', async () => {
  const sessions = new AgentSessions();
  const quiet = pino({ level: 'silent' });
  const store = {
    list: async () => [node],
    keep: async () => new Set(),
    introduce: async () => {
      nodes.absorb([{ ...node, sessionEpoch: 9, replica: 'theirs', revision: 9 }]);
      sessions.enterElsewhere(node.name, { replica: 'theirs', bootId: 'b1' });
      return { sessionEpoch: 8, revision: 8 };
    },
  };
  const nodes = new KnownNodes({ store: store as never, replica: 'ours', log: quiet });
  await nodes.start();
  const rollouts = { wake: () => undefined, noticeDeparture: () => undefined };
  const metrics = { noteStream: () => undefined };
  const logs = new KnownLogs({ entries: () => Promise.resolve([]) });
  const admission = new Admission({ mostAtOnce: 1, mostWaiting: 0, windowMs: () => 0 });
  const services = { nodes, logs, admission, sessions, rollouts, metrics, log: quiet, authority: {} };
  const hello = Hello.fromPartial({ kernelBuildId: 'ab'.repeat(20), bootId: 'b1' });
  const call = Object.assign(Readable.from([saying(hello)]), { write: () => true });
  const connected = connect(services as never, connecting, call, new AbortController());
  await expect(connected.finally(() => nodes.stop())).rejects.toMatchObject({ reason: 'replaced' });
  expect([sessions.find(node.name), sessions.isConnected(node.name)]).toEqual([undefined, true]);
});

test('a stream that ended while its node was being welcomed is not said to be here, for other control planes to believe', async () => {
  const sessions = new AgentSessions();
  const quiet = pino({ level: 'silent' });
  const kept: unknown[] = [];
  const abort = new AbortController();
  const store = {
    list: async () => [node],
    keep: async (words: { stream: NodeRecord; replica: string | null }[]) => {
      for (const { stream, replica } of words) kept.push([stream.sessionEpoch, replica]);
      return new Set([node.name]);
    },
    introduce: async () => {
      abort.abort(new Error('its certificate was revoked'));
      return { sessionEpoch: 8, revision: 8 };
    },
  };
  const nodes = new KnownNodes({ store: store as never, replica: 'ours', log: quiet });
  await nodes.start();
  // The stream before was another one's, and is over by the new epoch.
  sessions.enterElsewhere(node.name, { replica: 'theirs', bootId: 'b1' });
  const waits: number[] = [];
  const rollouts = { wake: () => undefined, noticeDeparture: (_: string, waitMs: number) => waits.push(waitMs) };
  const logs = new KnownLogs({ entries: () => Promise.resolve([]) });
  const admission = new Admission({ mostAtOnce: 1, mostWaiting: 0, windowMs: () => 0 });
  const services = { nodes, logs, admission, sessions, rollouts, log: quiet, authority: {} };
  const hello = Hello.fromPartial({ kernelBuildId: 'ab'.repeat(20), bootId: 'b1' });
  const call = Object.assign(Readable.from([saying(hello)]), { write: () => true });
  await expect(connect(services as never, connecting, call, abort)).rejects.toThrow('revoked');
  expect([nodes.require(node.name).replica, sessions.isConnected(node.name)]).toEqual([null, false]);
  expect(waits).toHaveLength(1);
  await nodes.stop();
  expect(kept).toEqual([[8, null]]);
});

afterEach(() => {
  jest.useRealTimers();
});

test('a node that waits for its turn to be welcomed is not taken for a silent one; once it is welcomed, it is', async () => {
  jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
  const sessions = new AgentSessions();
  const quiet = pino({ level: 'silent' });
  const none = () => undefined;
  const nodes = {
    introduce: () => Promise.resolve(node),
    isCurrent: () => true,
    noteDeparture: () => true,
    note: () => true,
  };
  const rollouts = { wake: none, noticeDeparture: none };
  const logs = new KnownLogs({ entries: () => Promise.resolve([]) });
  const admission = new Admission({ mostAtOnce: 1, mostWaiting: 1, windowMs: () => 0 });
  let letOn = (): void => undefined;
  const before = admission.admit(() => new Promise<void>((resolve) => (letOn = resolve)), new AbortController().signal);
  const others = { switches: {}, orders: { remind: none }, metrics: { noteStream: none }, limits: {} };
  const told = { logHeads: { toldHeadOf: () => Promise.resolve(undefined) }, authorities: { toTell: undefined } };
  const services = { nodes, logs, admission, sessions, rollouts, ...others, ...told, log: quiet, authority: {} };
  const hello = Hello.fromPartial({ kernelBuildId: 'ab'.repeat(20), bootId: 'b1' });
  const call = Object.assign(new Readable({ objectMode: true, read: none }), { write: () => true });
  call.push(saying(hello));
  const abort = new AbortController();
  const connected = connect(services as never, connecting, call, abort);
  const ended = expect(connected).rejects.toMatchObject({ reason: 'node-silent' });
  await jest.advanceTimersByTimeAsync(600_000);
  expect([abort.signal.aborted, sessions.isConnected(node.name)]).toEqual([false, false]);
  letOn();
  await before;
  await jest.advanceTimersByTimeAsync(1_000);
  expect(sessions.isConnected(node.name)).toBe(true);
  await jest.advanceTimersByTimeAsync(60_000);
  await ended;
});

test('of streams that one answer of the database lets in some are welcomed, then the event loop turns', async () => {
  const sessions = new AgentSessions();
  const none = () => undefined;
  let answer = (): void => undefined;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  let asked = 0;
  const nodes = {
    introduce: (introduced: NodeRecord) => {
      asked += 1;
      return answered.then(() => introduced);
    },
    isCurrent: () => true,
    noteDeparture: () => true,
    note: () => true,
  };
  let inThisTurn = 0;
  let most = 0;
  const welcomed = (): void => {
    inThisTurn += 1;
    most = Math.max(most, inThisTurn);
    const beganAtMs = performance.now();
    while (performance.now() - beganAtMs < 2);
  };
  const rollouts = { wake: none, noticeDeparture: none };
  const logs = new KnownLogs({ entries: () => Promise.resolve([]) });
  const admission = new Admission({ mostAtOnce: 300, mostWaiting: 0, windowMs: () => 0 });
  const others = { switches: {}, orders: { remind: none }, metrics: { noteStream: welcomed }, limits: {} };
  const told = { logHeads: { toldHeadOf: () => Promise.resolve(undefined) }, authorities: { toTell: undefined } };
  const quiet = pino({ level: 'silent' });
  const services = { nodes, logs, admission, sessions, rollouts, ...others, ...told, log: quiet, authority: {} };
  const hello = saying(Hello.fromPartial({ kernelBuildId: 'ab'.repeat(20), bootId: 'b1' }));
  const abort = new AbortController();
  const connected = Array.from({ length: 300 }, (_, index) => {
    const named = { ...connecting, node: { ...node, name: parseNodeName(`n${index}`) } };
    const call = Object.assign(new Readable({ objectMode: true, read: none }), { write: () => true });
    call.push(hello);
    return connect(services as never, named, call, abort);
  });
  while (asked < 300) await new Promise(setImmediate);
  answer();
  while (sessions.size < 300) {
    inThisTurn = 0;
    await new Promise(setImmediate);
  }
  abort.abort(new Error('over'));
  await Promise.allSettled(connected);
  // Ten and one more in the time of a slice, and perhaps of two; without slices all of them at once.
  expect(most).toBeLessThan(30);
});
