// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, test } from '@jest/globals';
import type { ClusterName, ModuleName, Seq } from '@lockstep/domain/livepatch-model';
import type { EntryBody } from '@lockstep/domain/load-order';
import { viewOf } from './node-view';
import type { Transition } from './observation';
import {
  append,
  headOf,
  load,
  logOf,
  Machine,
  machineAt,
  observed,
  PowerCut,
  retire,
  rotate,
  testKey,
} from './test-machine';

const a = load('a', 'abc');
const b = load('b', 'ad', [1]);
const c = load('c', 'x');
const ours = logOf(a, b, c);

/** Status, position of target, what the kernel holds. */
function check(machine: Machine, status: string, at: string, holds: string): void {
  const view = viewOf(machine.state);
  expect([view.status, `${view.position}/${view.target}`, machine.holds()]).toEqual([status, at, holds]);
}

describe('the main road', () => {
  test('an empty node is in step at 0', () => {
    check(machineAt([], 0), 'in-step', '0/0', '');
  });
  test('moves to the target in the order of the log', () => {
    const machine = machineAt(ours, 2);
    check(machine, 'in-step', '2/2', 'a<b');
    machine.tell({ kind: 'move-requested', seq: 3 as Seq });
    check(machine, 'moving', '2/3', 'a<b');
    machine.quiesce();
    check(machine, 'in-step', '3/3', 'a<b<c');
  });
  test('grants exactly what the entry overrides', () => {
    const machine = machineAt(ours, 1);
    machine.tell({ kind: 'move-requested', seq: 2 as Seq });
    machine.finishObserving();
    machine.finishJob();
    expect(machine.job).toMatchObject({ kind: 'load', mayShadow: ['lockstep_a'], replaces: [] });
  });
  test('retiring below the top unloads down to it and loads the rest again', () => {
    const machine = machineAt(append(ours, retire(1)), 3);
    machine.tell({ kind: 'move-requested', seq: 4 as Seq });
    machine.quiesce();
    check(machine, 'in-step', '4/4', 'b<c');
    expect(machine.jobsDone).toEqual(['-c', '-b', '-a', '+b', '+c']);
  });
  test('nothing is taken down before what comes in its place is on disk', () => {
    const machine = machineAt(append(append(ours, retire(3)), load('d', 'y')), 3);
    machine.tell({ kind: 'move-requested', seq: 5 as Seq });
    machine.finishObserving();
    expect(machine.job).toMatchObject({ kind: 'fetch' });
    machine.finishJob(false);
    check(machine, 'failed', '3/5', 'a<b<c');
  });
  test('a control plane that is away is no failure: the fetch waits, and goes on', () => {
    const machine = machineAt(append(ours, load('d', 'y')), 3);
    machine.tell({ kind: 'move-requested', seq: 4 as Seq });
    machine.finishObserving();
    machine.finishJob(false, 'server-away');
    check(machine, 'moving', '3/4', 'a<b<c');
    expect(viewOf(machine.state).problem?.reason).toBe('server-away');
    machine.tell({ kind: 'retry-due' });
    machine.quiesce();
    check(machine, 'in-step', '4/4', 'a<b<c<d');
  });
  test('a replace entry goes over what is there', () => {
    const machine = machineAt(append(ours, load('all', 'abcdx', [1, 2, 3], true)), 3);
    machine.tell({ kind: 'move-requested', seq: 4 as Seq });
    machine.quiesce();
    check(machine, 'in-step', '4/4', 'all');
    expect(machine.jobsDone).toEqual(['+all']);
  });
  test('the same set in the wrong order is put right from the common prefix on', () => {
    const machine = machineAt(logOf(a, c, load('d', 'y')), 3);
    machine.kernel = [machine.kernel[0]!, machine.kernel[2]!, machine.kernel[1]!];
    machine.tell({ kind: 'look-due' });
    machine.quiesce();
    check(machine, 'in-step', '3/3', 'a<c<d');
    expect(machine.jobsDone).toEqual(['-c', '-d', '+c', '+d']);
  });
  test('after a reboot it restores its stack without being told, keeping its position', () => {
    const machine = machineAt(ours, 2);
    machine.reboot();
    machine.finishObserving();
    check(machine, 'moving', '2/2', '');
    machine.quiesce();
    check(machine, 'in-step', '2/2', 'a<b');
  });
  test('a transition that an earlier life began is waited for', () => {
    const machine = machineAt(ours, 2);
    machine.kernel = machine.kernel.map((patch, i) => ({ ...patch, transition: i === 1 }));
    machine.startAgent();
    machine.finishObserving();
    expect(machine.job).toEqual({ kind: 'settle', module: 'lockstep_b' });
    machine.quiesce();
    check(machine, 'in-step', '2/2', 'a<b');
  });
});

describe('how long a transition may take', () => {
  const limited = (name: string, functions: string, transitionTimeoutMs: number): EntryBody =>
    ({ ...load(name, functions), transitionTimeoutMs }) as EntryBody;

  test('is what the entry says, on the way in and on the way out, also after a reboot', () => {
    const machine = machineAt(append(logOf(limited('a', 'abc', 30_000)), retire(1)), 0);
    machine.tell({ kind: 'move-requested', seq: 1 as Seq });
    machine.quiesce();
    machine.reboot();
    machine.finishObserving();
    expect(machine.job).toMatchObject({ kind: 'load', entry: { body: { transitionTimeoutMs: 30_000 } } });
    machine.quiesce();
    machine.tell({ kind: 'move-requested', seq: 2 as Seq });
    machine.finishObserving();
    expect(machine.job).toEqual({ kind: 'unload', module: 'lockstep_a', transitionTimeoutMs: 30_000 });
  });
  test('holds for a transition that an earlier life began', () => {
    const machine = machineAt(logOf(limited('a', 'abc', 5000)), 1);
    machine.kernel = machine.kernel.map((patch) => ({ ...patch, transition: true }));
    machine.startAgent();
    machine.finishObserving();
    expect(machine.job).toEqual({ kind: 'settle', module: 'lockstep_a', transitionTimeoutMs: 5000 });
  });
  test('is what the newest accepted entry of that module says', () => {
    const log = append(append(logOf(limited('a', 'abc', 5000)), retire(1)), limited('a', 'abc', 90_000));
    const machine = machineAt(append(log, retire(3)), 3);
    machine.tell({ kind: 'move-requested', seq: 4 as Seq });
    machine.finishObserving();
    expect(machine.job).toMatchObject({ kind: 'unload', transitionTimeoutMs: 90_000 });
  });
});

describe('what is refused', () => {
  test.each([0, 1, 2])('a move to %i is stale at target 2', (seq) => {
    const machine = machineAt(ours, 2);
    machine.tell({ kind: 'move-requested', seq: seq as Seq });
    machine.quiesce();
    check(machine, 'in-step', '2/2', 'a<b');
  });
  test('a move beyond the log', () => {
    const machine = machineAt(ours, 2);
    machine.tell({ kind: 'move-requested', seq: 4 as Seq });
    machine.quiesce();
    check(machine, 'in-step', '2/2', 'a<b');
  });
  test('a fork, and every move until the log is ours again', () => {
    const machine = machineAt(ours, 2);
    machine.tell({ kind: 'log-offered', entries: logOf(a, c) });
    machine.tell({ kind: 'move-requested', seq: 3 as Seq });
    machine.quiesce();
    check(machine, 'forked', '2/2', 'a<b');
    expect(viewOf(machine.state).problem?.reason).toBe('fork');
    machine.tell({ kind: 'log-offered', entries: ours });
    check(machine, 'in-step', '2/2', 'a<b');
  });
  test('a fork does not outlive its session', () => {
    const machine = machineAt(ours, 2);
    machine.tell({ kind: 'log-offered', entries: logOf(a, c) });
    machine.tell({ kind: 'session-opened' });
    check(machine, 'in-step', '2/2', 'a<b');
  });
  test('entries of another signer, even when they follow on', () => {
    const machine = machineAt(ours, 2);
    machine.tell({ kind: 'log-offered', entries: append(ours, load('d', 'y'), 'theirs') });
    check(machine, 'forked', '2/2', 'a<b');
    expect(viewOf(machine.state).problem?.reason).toBe('bad-signature');
    expect(machine.disk.entries).toHaveLength(3);
  });
});

describe('a log key that another has taken the place of', () => {
  const rotated = append(append(ours, rotate(ours, testKey(1))), load('d', 'y'));
  /** A node that knows the first key's successor, and of this log nothing. */
  function machineThatKnows(key: number): Machine {
    const machine = new Machine();
    machine.disk.newestKey = testKey(key);
    machine.startAgent();
    machine.quiesce();
    return machine;
  }

  test('is walked away from entry by entry, and the stack goes on', () => {
    const machine = machineAt(rotated, 5);
    check(machine, 'in-step', '5/5', 'a<b<c<d');
    expect(machine.disk.newestKey).toBe(testKey(1));
  });
  test('moves nobody who knows the newer one from another log', () => {
    const machine = machineThatKnows(1);
    machine.tell({ kind: 'log-offered', entries: ours });
    machine.tell({ kind: 'move-requested', seq: 3 as Seq });
    machine.quiesce();
    check(machine, 'forked', '0/0', '');
    expect(viewOf(machine.state).problem).toMatchObject({ reason: 'lowered-key' });
    machine.tell({ kind: 'log-offered', entries: rotated });
    machine.tell({ kind: 'move-requested', seq: 5 as Seq });
    machine.quiesce();
    check(machine, 'in-step', '5/5', 'a<b<c<d');
  });
  test.each([0, 1, 2])('stays given up when the agent is killed at write %i of taking the new one in', (writes) => {
    const machine = machineAt(ours, 3);
    machine.writesLeft = writes;
    try {
      machine.tell({ kind: 'log-offered', entries: rotated });
    } catch (error) {
      if (!(error instanceof PowerCut)) throw error;
    }
    machine.writesLeft = undefined;
    machine.startAgent();
    machine.quiesce();
    check(machine, 'in-step', '3/3', 'a<b<c');
    const theirs = append(ours, load('e', 'z'), 'ours');
    const knew = machine.disk.newestKey !== undefined;
    expect(knew).toBe(writes > 0);
    machine.tell({ kind: 'log-offered', entries: theirs });
    machine.tell({ kind: 'move-requested', seq: 4 as Seq });
    machine.quiesce();
    // Until the first write it had never heard of the new key; from then on an entry of the old one's is not gone along with.
    check(machine, knew ? 'forked' : 'in-step', knew ? '3/3' : '4/4', knew ? 'a<b<c' : 'a<b<c<e');
  });
});

describe('where the log ends, by the word of who signs it', () => {
  const atMs = Date.UTC(2026, 10, 28);
  const hourMs = 3_600_000;
  const seenBy = (machine: Machine) => viewOf(machine.state).signedHead?.issuedAtMs;

  test('is kept, over a restart too, until a later word comes', () => {
    const machine = machineAt(ours, 3);
    machine.tell({ kind: 'head-offered', head: headOf(ours, atMs), nowMs: atMs });
    expect(viewOf(machine.state)).toMatchObject({ signedHead: { seq: 3, issuedAtMs: atMs }, headRefusal: undefined });
    machine.startAgent();
    expect(seenBy(machine)).toBe(atMs);
    machine.quiesce();
    machine.tell({ kind: 'head-offered', head: headOf(ours, atMs + hourMs), nowMs: atMs });
    expect(seenBy(machine)).toBe(atMs + hourMs);
    machine.tell({ kind: 'head-offered', head: headOf(ours, atMs), nowMs: atMs });
    expect(seenBy(machine)).toBe(atMs + hourMs);
    check(machine, 'in-step', '3/3', 'a<b<c');
  });
  test.each<[string, ReturnType<typeof headOf>]>([
    ['wrong-log', headOf(ours, atMs, { cluster: 'db' as ClusterName })],
    ['other-head', headOf(ours.slice(0, 2), atMs)],
    ['bad-signature', { ...headOf(ours, atMs), issuedAtMs: atMs + 1 }],
    ['dated-ahead', headOf(ours, atMs + 1_000 * 24 * hourMs)],
  ])('is not taken as %s: what was known goes on to age', (reason, head) => {
    const machine = machineAt(ours, 3);
    machine.tell({ kind: 'head-offered', head: headOf(ours, atMs - hourMs), nowMs: atMs });
    machine.tell({ kind: 'head-offered', head, nowMs: atMs });
    expect(viewOf(machine.state)).toMatchObject({ signedHead: { issuedAtMs: atMs - hourMs }, headRefusal: reason });
    check(machine, 'in-step', '3/3', 'a<b<c');
  });
  test('one dated years ahead, which an agent of before has kept, gives way to one of now', () => {
    const machine = machineAt(ours, 3);
    const ahead = atMs + 1_000 * 24 * hourMs;
    machine.tell({ kind: 'head-offered', head: headOf(ours, ahead), nowMs: ahead });
    expect(seenBy(machine)).toBe(ahead);
    machine.tell({ kind: 'head-offered', head: headOf(ours, atMs), nowMs: atMs });
    expect(seenBy(machine)).toBe(atMs);
  });
});

describe('foreign livepatches', () => {
  const cases = {
    'another module': observed('foreign', 'z'),
    'an entry before its turn': observed('lockstep_c', 'x'),
  };
  test.each(Object.entries(cases))('%s: reported, and nothing is touched until it is gone', (_, patch) => {
    const machine = machineAt(ours, 1);
    machine.kernel.push(patch);
    machine.tell({ kind: 'look-due' });
    machine.quiesce();
    check(machine, 'diverged', '1/1', `a<${patch.module.replace('lockstep_', '')}`);
    expect(viewOf(machine.state).problem).toMatchObject({ reason: 'foreign-livepatch' });
    machine.tell({ kind: 'move-requested', seq: 2 as Seq });
    machine.quiesce();
    expect(machine.jobsDone).toEqual([]);
    machine.kernel.pop();
    machine.tell({ kind: 'look-due' });
    machine.quiesce();
    check(machine, 'in-step', '2/2', 'a<b');
  });
  test('a replace patch by hand took our stack: it is restored once that is gone', () => {
    const machine = machineAt(ours, 2);
    machine.kernel = [observed('foreign', 'ab')];
    machine.tell({ kind: 'look-due' });
    machine.quiesce();
    check(machine, 'diverged', '2/2', 'foreign');
    machine.kernel = [];
    machine.tell({ kind: 'look-due' });
    machine.quiesce();
    check(machine, 'in-step', '2/2', 'a<b');
  });
  test.each(['yz', 'a', 'adz'])('a stolen name is told by its functions (%s)', (functions) => {
    const machine = machineAt(ours, 2);
    machine.kernel[1] = observed('lockstep_b', functions);
    machine.tell({ kind: 'look-due' });
    machine.quiesce();
    check(machine, 'diverged', '2/2', 'a<b');
    expect(machine.jobsDone).toEqual([]);
  });
  test('what a replace patch shows besides its own while it takes over is not foreign', () => {
    const machine = machineAt(append(ours, load('all', 'abc', [1, 2, 3], true)), 4);
    machine.kernel = [observed('lockstep_all', 'abcdx', true)];
    machine.startAgent();
    machine.finishObserving();
    expect(machine.job).toEqual({ kind: 'settle', module: 'lockstep_all' });
  });
  test('on an operator’s word what was named is unloaded, topmost first, and it goes on; what was not is left alone', () => {
    const machine = machineAt(ours, 1);
    machine.kernel.push(observed('foreign', 'z'), observed('foreign_too', 'y'));
    machine.tell({ kind: 'look-due' });
    machine.quiesce();
    machine.tell({ kind: 'repair-requested', modules: ['foreign'] as ModuleName[] });
    machine.quiesce();
    check(machine, 'diverged', '1/1', 'a<foreign<foreign_too');
    machine.tell({ kind: 'repair-requested', modules: ['foreign', 'foreign_too'] as ModuleName[] });
    machine.quiesce();
    check(machine, 'in-step', '1/1', 'a');
    // The word was about those: the same loaded again is news.
    machine.kernel.push(observed('foreign', 'z'));
    machine.tell({ kind: 'look-due' });
    machine.quiesce();
    check(machine, 'diverged', '1/1', 'a<foreign');
  });
  test('that word outlives the agent, until none of them is seen any more', () => {
    const machine = machineAt(ours, 1);
    machine.kernel.push(observed('foreign', 'z'));
    machine.tell({ kind: 'look-due' });
    machine.quiesce();
    machine.tell({ kind: 'repair-requested', modules: ['foreign'] as ModuleName[] });
    expect(machine.disk.disowned).toEqual(['foreign']);
    // Killed before it has unloaded it.
    machine.startAgent();
    machine.quiesce();
    check(machine, 'in-step', '1/1', 'a');
    expect(machine.disk.disowned).toEqual([]);
    machine.kernel.push(observed('foreign', 'z'));
    machine.startAgent();
    machine.quiesce();
    check(machine, 'diverged', '1/1', 'a<foreign');
  });
  test('that word counts once it is on the disk', () => {
    const machine = machineAt(ours, 1);
    machine.kernel.push(observed('foreign', 'z'));
    machine.tell({ kind: 'look-due' });
    machine.quiesce();
    machine.disk.full = true;
    machine.tell({ kind: 'repair-requested', modules: ['foreign'] as ModuleName[] });
    machine.quiesce();
    check(machine, 'diverged', '1/1', 'a<foreign');
    machine.disk.full = false;
    machine.tell({ kind: 'repair-requested', modules: ['foreign'] as ModuleName[] });
    machine.quiesce();
    check(machine, 'in-step', '1/1', 'a');
  });
  test('it explains a failing job', () => {
    const machine = machineAt(ours, 1);
    machine.tell({ kind: 'move-requested', seq: 2 as Seq });
    machine.finishObserving();
    machine.kernel.push(observed('foreign', 'd'));
    machine.finishJob(false);
    check(machine, 'diverged', '1/2', 'a<foreign');
  });
});

describe('failures', () => {
  test('are reported, retried more and more seldom, and forgotten after success', () => {
    const machine = machineAt(ours, 1);
    machine.tell({ kind: 'move-requested', seq: 2 as Seq });
    machine.finishObserving();
    const delays: number[] = [];
    for (let i = 0; i < 7; i += 1) {
      machine.finishJob(false);
      expect(viewOf(machine.state)).toMatchObject({ status: 'failed', problem: { reason: 'told-to' } });
      delays.push(machine.state.phase === 'failed' ? machine.state.setback.count : 0);
      machine.tell({ kind: 'retry-due' });
      machine.finishObserving();
      // Tried again is not mended.
      expect([machine.state.phase, viewOf(machine.state).status]).toEqual(['moving', 'failed']);
    }
    expect(delays).toEqual([1, 2, 3, 4, 5, 6, 7]);
    machine.quiesce();
    check(machine, 'in-step', '2/2', 'a<b');
  });
  test('a later target is tried at once', () => {
    const machine = machineAt(append(ours, retire(2)), 1);
    machine.tell({ kind: 'move-requested', seq: 2 as Seq });
    machine.finishObserving();
    machine.finishJob(false);
    machine.tell({ kind: 'move-requested', seq: 4 as Seq });
    machine.quiesce();
    check(machine, 'in-step', '4/4', 'a<c');
  });
  test('a transition that was taken back is told with its tasks until the next try succeeds', () => {
    const machine = machineAt(ours, 1);
    machine.tell({ kind: 'move-requested', seq: 2 as Seq });
    machine.finishObserving();
    const transition: Transition = {
      ...{ module: 'lockstep_b' as ModuleName, mode: 'per_task', direction: 'patching', result: 'reversed' },
      ...{ attempts: 0, windowLastNs: 0, windowMaxNs: 0, checkedOutside: 0, checkedInside: 0, elapsedMs: 1000 },
      blockers: [{ pid: 411, comm: 'cat', function: 'a' }],
    };
    machine.job = undefined;
    const problem = { reason: 'transition-timeout', message: 'it was taken back', transition };
    machine.tell({ kind: 'job-finished', outcome: { ok: false, problem }, seen: machine.seen() });
    expect(viewOf(machine.state)).toMatchObject({ status: 'failed', problem, lastTransition: transition });
    machine.tell({ kind: 'look-due' });
    machine.finishObserving();
    expect(viewOf(machine.state)).toMatchObject({ status: 'failed', problem, lastTransition: transition });
    machine.quiesce();
    check(machine, 'in-step', '2/2', 'a<b');
    const { problem: left, lastTransition } = viewOf(machine.state);
    expect([left, lastTransition]).toEqual([undefined, undefined]);
  });
  test('a job that claims success without effect does not run in a circle', () => {
    const machine = machineAt(ours, 1);
    machine.tell({ kind: 'move-requested', seq: 2 as Seq });
    machine.finishObserving();
    machine.job = undefined;
    machine.tell({ kind: 'job-finished', outcome: { ok: true }, seen: machine.seen() });
    expect(viewOf(machine.state).problem?.reason).toBe('no-effect');
  });
  test('an observation that fails is a failure, and one retry later it is forgotten', () => {
    const machine = machineAt(ours, 1);
    machine.tell({ kind: 'observation-failed', problem: { reason: 'no-sysfs', message: '' } });
    check(machine, 'failed', '1/1', 'a');
    machine.quiesce();
    check(machine, 'in-step', '1/1', 'a');
  });
  test('what cannot be recorded is not accepted', () => {
    const machine = machineAt(ours, 1);
    machine.disk.full = true;
    machine.tell({ kind: 'log-offered', entries: append(ours, load('d', 'y')) });
    machine.tell({ kind: 'move-requested', seq: 2 as Seq });
    machine.quiesce();
    check(machine, 'failed', '1/1', 'a');
    expect(viewOf(machine.state)).toMatchObject({ headSeq: 3, problem: { reason: 'disk-full' } });
    machine.disk.full = false;
    machine.tell({ kind: 'move-requested', seq: 2 as Seq });
    machine.quiesce();
    check(machine, 'in-step', '2/2', 'a<b');
  });
  test('a position that cannot be recorded is not claimed', () => {
    const machine = machineAt(ours, 1);
    machine.tell({ kind: 'move-requested', seq: 2 as Seq });
    machine.finishObserving();
    machine.finishJob();
    machine.disk.full = true;
    machine.quiesce();
    check(machine, 'failed', '1/2', 'a<b');
    machine.disk.full = false;
    machine.tell({ kind: 'look-due' });
    machine.quiesce();
    check(machine, 'in-step', '2/2', 'a<b');
  });
});

test('the view names the artifact of what the log explains only', () => {
  const machine = machineAt(ours, 1);
  machine.kernel.push(observed('foreign', 'z'));
  machine.tell({ kind: 'look-due' });
  machine.quiesce();
  const named = viewOf(machine.state).stack.map((patch): [ModuleName, boolean] => [
    patch.module,
    patch.artifact !== undefined,
  ]);
  expect(named).toEqual([
    ['lockstep_a', true],
    ['foreign', false],
  ]);
});
