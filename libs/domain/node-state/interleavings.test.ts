// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { refuseBody, stackAt, type EntryBody, type LogEntry } from '@lockstep/domain/load-order';
import type { Seq } from '@lockstep/domain/livepatch-model';
import type { Job } from './node-state';
import { viewOf } from './node-view';
import { append, load, log, Machine, observed, PowerCut, retire, rotate, testKey } from './test-machine';

// Any order of messages, completions, failures, crashes, reboots, foreign hands and full disks. `Machine` itself
// insists that positions and targets only grow, that steps are valid and that loads have their artifact.

class World {
  readonly machine = new Machine();
  entries: LogEntry[] = [];
  names = 0;

  /** The one real history goes on, if the rules allow this. */
  append(make: (name: string) => EntryBody): void {
    this.names += 1;
    const body = { ...make(`p${this.names}`), transitionTimeoutMs: 1000 * this.names };
    if (refuseBody(log, this.entries, body) === undefined) this.entries = append(this.entries, body);
  }

  /** A new key signs what follows. */
  rotate(): void {
    this.names += 1;
    this.entries = append(this.entries, rotate(this.entries, testKey(this.names)));
  }

  /** A patch of the stack is retired and comes again under its name, built anew: other bytes. */
  rebuild(pick: number): void {
    const stack = stackAt(this.entries, this.entries.length as Seq);
    const gone = stack[pick % Math.max(1, stack.length)];
    if (gone === undefined || refuseBody(log, this.entries, retire(gone.seq)) !== undefined) return;
    this.entries = append(this.entries, retire(gone.seq));
    const { patchName, functions, sha256 } = gone.body.artifact;
    const letters = functions.map(({ name }) => name).join('');
    const body = { ...load(patchName, letters, [], false, sha256), transitionTimeoutMs: gone.body.transitionTimeoutMs };
    if (refuseBody(log, this.entries, body) === undefined) this.entries = append(this.entries, body);
  }

  /** Somebody else's history: the same start, then another entry, rightly signed. */
  fork(keep: number): LogEntry[] {
    this.names += 1;
    return append(this.entries.slice(0, keep), load(`f${this.names}`, String.fromCharCode(0x4e00 + this.names)));
  }
}

/** A transition that a job makes or waits for is held to what the entry says that loads its module. */
function expectOwnLimit(job: Job | undefined): void {
  if (job?.kind !== 'unload' && job?.kind !== 'settle') return;
  const number = /^lockstep_p(\d+)$/.exec(job.module)?.[1];
  expect(job.transitionTimeoutMs).toBe(number === undefined ? undefined : 1000 * Number(number));
}

/** What is told of a module's bytes is what the kernel holds. */
function expectTruth({ state, kernel, bytes }: Machine): void {
  for (const { module, artifact } of viewOf(state).stack) {
    const isThere = kernel.some((patch) => patch.module === module);
    if (isThere && artifact !== undefined) expect(artifact).toBe(bytes.get(module));
  }
}

/** At rest: the target, or where an entry that this host did not survive is in the way, a position below all such. */
function expectGoal(machine: Machine): void {
  const { entries, target } = machine.disk;
  const stack = stackAt(entries, target);
  const isBarred = stack.some(({ seq }) => machine.deadly.has(seq));
  const view = viewOf(machine.state);
  const held = machine.kernel.map(({ module }) => machine.bytes.get(module));
  const hashesAt = (seq: number) => stackAt(entries, seq as Seq).map(({ body }) => body.artifact.sha256);
  if (!isBarred) {
    expect(held).toEqual(hashesAt(target));
    expect(view).toMatchObject({ status: 'in-step', position: target });
    return;
  }
  expect(view.status).toBe('quarantined');
  expect(machine.deadly).toContain(view.quarantine?.seq);
  const below = Array.from({ length: target + 1 }, (_, seq) => seq);
  expect(below.map(hashesAt)).toContainEqual(held);
}

type Deed = (world: World) => void;

const small = fc.nat({ max: 8 });
const functions = fc.string({ unit: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), minLength: 1, maxLength: 3 });

const deeds: fc.Arbitrary<[string, Deed]> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(functions, fc.subarray([1, 2, 3, 4, 5, 6, 7, 8]), fc.boolean())
      .map(([f, over, replace]): [string, Deed] => [
        `append ${f}`,
        (w) => {
          const all = stackAt(w.entries, w.entries.length as Seq).map(({ seq }) => seq);
          if (replace && over.length === 0) w.append((name) => load(name, f, all, true));
          w.append((name) => load(name, f, over));
        },
      ]),
  },
  small.map((n): [string, Deed] => [
    `retire ${n}`,
    (w) => {
      w.append(() => retire(n));
    },
  ]),
  fc.constant<[string, Deed]>([
    'rotate the log key',
    (w) => {
      w.rotate();
    },
  ]),
  {
    weight: 2,
    arbitrary: fc.tuple(small, small).map(([from, to]): [string, Deed] => [
      `offer ${from}..${to}`,
      (w) => {
        w.machine.tell({ kind: 'log-offered', entries: w.entries.slice(from, to + 1) });
      },
    ]),
  },
  {
    weight: 2,
    arbitrary: fc.constant<[string, Deed]>([
      'offer all',
      (w) => {
        w.machine.tell({ kind: 'log-offered', entries: w.entries });
      },
    ]),
  },
  small.map((n): [string, Deed] => [
    `fork at ${n}`,
    (w) => {
      const forked = w.fork(n);
      const before = [...w.machine.disk.entries];
      w.machine.tell({ kind: 'log-offered', entries: forked });
      // Taken only where the real history is not known yet; then it is the history.
      if (w.machine.disk.entries.length > before.length) w.entries = [...w.machine.disk.entries];
    },
  ]),
  fc.constant<[string, Deed]>([
    'session',
    (w) => {
      w.machine.tell({ kind: 'session-opened' });
    },
  ]),
  {
    weight: 3,
    arbitrary: small.map((n): [string, Deed] => [
      `move to ${n}`,
      (w) => {
        const { target, entries } = w.machine.disk;
        w.machine.tell({ kind: 'move-requested', seq: n as Seq });
        expect([target, n > target && n <= entries.length ? n : target]).toContain(w.machine.disk.target);
      },
    ]),
  },
  {
    weight: 3,
    arbitrary: fc.constant<[string, Deed]>([
      'move to the head, and all comes to rest',
      (w) => {
        w.machine.tell({ kind: 'log-offered', entries: w.entries });
        w.machine.tell({ kind: 'move-requested', seq: w.machine.disk.entries.length as Seq });
        w.machine.quiesce();
      },
    ]),
  },
  {
    weight: 6,
    arbitrary: fc.constant<[string, Deed]>([
      'observe',
      (w) => {
        w.machine.finishObserving();
      },
    ]),
  },
  {
    weight: 8,
    arbitrary: fc.constant<[string, Deed]>([
      'job ends',
      (w) => {
        w.machine.finishJob();
      },
    ]),
  },
  fc.constant<[string, Deed]>([
    'job fails',
    (w) => {
      w.machine.finishJob(false);
    },
  ]),
  fc.constant<[string, Deed]>([
    'retry',
    (w) => {
      w.machine.tell({ kind: 'retry-due' });
    },
  ]),
  fc.constant<[string, Deed]>([
    'look',
    (w) => {
      w.machine.tell({ kind: 'look-due' });
    },
  ]),
  fc.constant<[string, Deed]>([
    'crash',
    (w) => {
      w.machine.startAgent();
    },
  ]),
  fc.constant<[string, Deed]>([
    'crash after the job worked',
    (w) => {
      if (w.machine.job !== undefined) w.machine.carryOut(w.machine.job);
      w.machine.startAgent();
    },
  ]),
  fc.constant<[string, Deed]>([
    'reboot',
    (w) => {
      w.machine.reboot();
    },
  ]),
  fc.constantFrom('panic', 'power cut', 'panic on the way down').map((how): [string, Deed] => [
    how,
    (w) => {
      if (how === 'panic on the way down' && !w.machine.disk.full) w.machine.endBoot();
      w.machine.crash({ leavesRecord: how !== 'power cut' });
    },
  ]),
  fc.constant<[string, Deed]>([
    'power cut after the job worked',
    (w) => {
      if (w.machine.job !== undefined) w.machine.carryOut(w.machine.job);
      w.machine.crash();
    },
  ]),
  fc.nat({ max: 4 }).map((writes): [string, Deed] => [
    `power cut at write ${writes}`,
    (w) => {
      w.machine.writesLeft = writes;
    },
  ]),
  {
    weight: 2,
    arbitrary: fc.nat({ max: 15 }).map((minutes): [string, Deed] => [
      `${minutes} minutes pass`,
      (w) => {
        w.machine.uptimeMs += minutes * 60_000;
      },
    ]),
  },
  {
    weight: 2,
    arbitrary: fc.constant<[string, Deed]>([
      'release',
      (w) => {
        w.machine.release();
      },
    ]),
  },
  fc.constantFrom('/etc/lockstep/hold', undefined).map((hold): [string, Deed] => [
    `hold ${hold ?? 'gone'}`,
    (w) => {
      w.machine.hold = hold;
    },
  ]),
  small.map((n): [string, Deed] => [
    `rebuild ${n}`,
    (w) => {
      w.rebuild(n);
    },
  ]),
  fc.constant<[string, Deed]>([
    'artifact lost',
    (w) => {
      w.machine.disk.artifacts.clear();
      w.machine.finishJob(false);
    },
  ]),
  fc.constant<[string, Deed]>([
    'disk full',
    (w) => {
      w.machine.disk.full = true;
    },
  ]),
  fc.constant<[string, Deed]>([
    'disk freed',
    (w) => {
      w.machine.disk.full = false;
    },
  ]),
  fc.constant<[string, Deed]>([
    'foreign hand',
    (w) => {
      // Between jobs: what a kernel does with two hands at once is the kernel port's test.
      if (w.machine.job === undefined && !w.machine.foreign) w.machine.kernel.push(observed('foreign', 'z'));
    },
  ]),
  fc.constant<[string, Deed]>([
    'foreign gone',
    (w) => {
      w.machine.kernel = w.machine.kernel.filter((patch) => !patch.module.startsWith('foreign'));
    },
  ]),
  fc.nat().map((n): [string, Deed] => [
    'shuffled by hand',
    (w) => {
      const { kernel, job } = w.machine;
      if (job === undefined && kernel.length > 1)
        w.machine.kernel = [...kernel.slice(n % kernel.length), ...kernel.slice(0, n % kernel.length)];
    },
  ]),
);

test('any interleaving ends in step with the accepted log, by valid steps', () => {
  fc.assert(
    fc.property(fc.array(deeds, { maxLength: 60, size: 'max' }), (script) => {
      const world = new World();
      const { machine } = world;
      for (const [, deed] of script) {
        const { position, target, entries } = machine.disk;
        const known = [...entries];
        try {
          deed(world);
        } catch (error) {
          if (!(error instanceof PowerCut)) throw error;
          machine.crash();
        }
        expect(machine.disk.position).toBeGreaterThanOrEqual(position);
        expect(machine.disk.target).toBeGreaterThanOrEqual(target);
        expect(machine.disk.entries.slice(0, known.length)).toEqual(known);
        if (viewOf(machine.state).status === 'diverged') expect(machine.job).toBeUndefined();
        expectOwnLimit(machine.job);
        expectTruth(machine);
      }
      machine.disk.full = false;
      machine.writesLeft = undefined;
      machine.hold = undefined;
      machine.kernel = machine.kernel.filter((patch) => !patch.module.startsWith('foreign'));
      machine.tell({ kind: 'session-opened' });
      machine.tell({ kind: 'look-due' });
      machine.quiesce();
      // One more look, as the timer gives it: what a full disk kept from being recorded is recorded now.
      machine.tell({ kind: 'look-due' });
      machine.quiesce();
      expectTruth(machine);
      expectGoal(machine);
    }),
    { numRuns: 1500 },
  );
});
