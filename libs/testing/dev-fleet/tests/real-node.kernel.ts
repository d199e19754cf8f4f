// SPDX-License-Identifier: GPL-2.0-only
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { parseNodeName } from '@lockstep/domain/livepatch-model';
import { kernelTestSetupMs, type QemuMachine } from '@lockstep/testing/qemu-machine';
import { eventually } from '../eventually';
import { exampleDiff } from '../example-patches';
import { MachineNode, type ShownNode } from '../machine-node';

// One node that is a real kernel with the patched core: what the agent sets and reads there, from the entry that an
// operator appends to the report that an operator reads.

jest.setTimeout(600_000);

/** The machine is emulated, and may get a tenth of a processor on a busy host. */
const patienceMs = 240_000;

const modes = ['system', 'stop_machine', 'per_task'] as const;
type Mode = (typeof modes)[number];

let node: MachineNode;
let machine: QemuMachine;

/** What a reader called `sleeper` does in the patched version_proc_show: it sleeps until it is killed. */
const sleepsFor = '\tif (!strcmp(current->comm, "sleeper")) schedule_timeout_killable(MAX_SCHEDULE_TIMEOUT);';

async function submitPatches(): Promise<void> {
  const { fleet, folder } = node;
  const first = exampleDiff(fleet.release, ['c'], '1');
  const line = '+\tseq_puts(m, "lockstep: c1\\n");';
  if (!first.includes(line)) throw new Error(`the example has no such line: ${line}`);
  // On the same line, so that the numbers of the hunk stay right.
  writeFileSync(path.join(folder, 'sleepy.patch'), first.replace(line, `${line}${sleepsFor}`));
  writeFileSync(path.join(folder, 'awake.patch'), exampleDiff(fleet.release, ['c'], '2'));
  for (const patch of ['sleepy', 'awake'])
    await node.ask('patch', 'submit', path.join(folder, `${patch}.patch`), '--wait');
}

beforeAll(async () => {
  node = await MachineNode.start(parseNodeName('real'));
  machine = node.machine;
  await submitPatches();
  await node.ask('cluster', 'set', 'dev', '--transition-timeout', '90s');
  await node.shown('the node is in step', ({ report: said }) => said?.status === 'in-step');
}, kernelTestSetupMs);

afterAll(() => node[Symbol.asyncDispose]());

interface Told {
  readonly moduleName: string;
  readonly mode: Mode;
  readonly direction: string;
  readonly result: string;
  readonly attempts: number;
  readonly windowLastNs: number;
  readonly windowMaxNs: number;
  readonly checkedOutside: number;
  readonly checkedInside: number;
  readonly blockers: readonly { readonly pid: number; readonly comm: string; readonly function: string }[];
}

interface Shown extends ShownNode {
  readonly report: {
    readonly status: string;
    readonly position: number;
    readonly target: number;
    readonly problem: { readonly reason: string; readonly message: string } | null;
    readonly lastTransition: Told | null;
  };
}

const report = async (): Promise<Shown['report']> => ((await node.ask('node', 'show', node.name)) as Shown).report;

async function append(patch: string, mode: Mode, ...options: string[]): Promise<number> {
  const answer = await node.ask('order', 'append', patch, '--cluster', 'dev', '--consistency', mode, ...options);
  return (answer as { entry: { seq: number } }).entry.seq;
}

const answers = async (): Promise<string> => (await machine.run('tail -1 /proc/version')).trim();

/** The last transition, once it is this module's in this direction. */
async function told(patch: string, direction: string): Promise<Told> {
  const shown = await node.shown<Shown>(
    `${patch} ${direction} in the node's report`,
    ({ report: { lastTransition } }) =>
      Boolean(lastTransition?.moduleName.startsWith(`lockstep_${patch}_`) && lastTransition.direction === direction),
  );
  return shown.report.lastTransition as Told;
}

/**
 * As the kernel counts: with per_task every number is zero. Who was in the way of its last attempt that failed stays
 * told: `held` may be.
 */
function expectSwitched(last: Told, mode: Mode, held?: number): void {
  const isWhole = mode !== 'per_task';
  expect(last).toMatchObject({ mode, result: 'switched' });
  expect(last.blockers.filter(({ pid }) => pid !== held)).toEqual([]);
  const { attempts, windowLastNs, windowMaxNs, checkedOutside, checkedInside } = last;
  expect([attempts > 0, windowLastNs > 0, windowMaxNs >= windowLastNs]).toEqual([isWhole, isWhole, true]);
  expect([checkedOutside > 0, checkedInside > 0]).toEqual([mode === 'system', isWhole]);
}

/** A task that sleeps in the function that `sleepy` has patched. @returns its pid in the machine */
async function startSleeper(): Promise<number> {
  const pid = await machine.run(
    `cp /bin/cat /run/sleeper; setsid /run/sleeper /proc/version >/dev/null 2>&1 </dev/null & pid=$!
     until grep -q version_proc_show /proc/$pid/stack; do sleep 0.1; done; echo $pid`,
  );
  return Number(pid);
}

describe.each(modes)('entries with consistency %s', (mode) => {
  let seq = 0;
  let pid = 0;

  it('are signed with it, switched with it, and the report tells mode, attempts and window', async () => {
    seq = await append('sleepy', mode);
    expect((await node.rollOut()).code).toBe(0);
    const { entries } = (await node.ask('order', 'show', '--cluster', 'dev')) as { entries: { body: unknown }[] };
    expect(entries.at(-1)?.body).toMatchObject({ load: { consistency: mode, transitionTimeoutMs: 90_000 } });
    expectSwitched(await told('sleepy', 'patching'), mode);
    expect(await answers()).toBe('lockstep: c1');
    const stats = '/sys/kernel/livepatch/lockstep_sleepy_*/transition_stats';
    expect(await machine.run(`cd ${stats} && cat mode direction result`)).toBe(`${mode}\npatching\nswitched\n`);
  });

  it('held up by a sleeper: told while it goes on, then failed with its name, and the rollout halts', async () => {
    pid = await startSleeper();
    await append('awake', mode, '--override', 'sleepy', '--transition-timeout', '4s');
    const blocker = { pid, comm: 'sleeper', function: 'version_proc_show' };
    const rollout = node.rollOut();
    const pending = await eventually(
      'the sleeper is told while the transition goes on',
      async () => {
        const { transition } = (await node.ask('node', 'blocking', node.name)) as { transition: Told | null };
        return transition?.result === 'pending' && transition.blockers.length > 0 ? transition : undefined;
      },
      { withinMs: patienceMs, everyMs: 250 },
    );
    expect(pending).toMatchObject({ mode, direction: 'patching', blockers: [blocker] });
    const { code, stdout } = await rollout;
    expect([code, JSON.parse(stdout)]).toMatchObject([
      5,
      { status: 'halted', nodes: [{ node: node.name, position: seq, notYet: { reason: 'failed' } }] },
    ]);
    const { status, position, problem, lastTransition } = await report();
    expect({ status, position, problem, lastTransition }).toMatchObject({
      ...{ status: 'failed', position: seq },
      problem: {
        reason: 'transition-timeout',
        message: expect.stringMatching(
          new RegExp(
            `^Loading lockstep_awake_\\w+ did not end within 4000 ms and was taken back: .*: ${pid} \\(sleeper\\) in ` +
              'version_proc_show\\. It is tried again by itself\\. Stop or restart ',
          ),
        ),
      },
      lastTransition: { mode, blockers: [blocker] },
    });
    const { stdout: text } = await node.lockstep('node', 'blocking', node.name);
    expect(text).toMatch(new RegExp(`^${pid} +sleeper +version_proc_show$`, 'm'));
    expect(text).toMatch(new RegExp(`^Consistency: +${mode}$`, 'm'));
    // It is tried again by now: task by task, whoever reads may have been switched.
    expect(mode === 'per_task' ? ['c1', 'c2'] : ['c1']).toContain((await answers()).replace('lockstep: ', ''));
  });

  it('the sleeper gone, the next try succeeds by itself', async () => {
    await machine.run(`kill -9 ${pid}`);
    await node.shown(
      'the node is in step',
      ({ report: said }) => said?.status === 'in-step' && said.position === seq + 1,
    );
    expectSwitched(await told('awake', 'patching'), mode, pid);
    expect(await answers()).toBe('lockstep: c2');
    const limits = await machine.run('cd /sys/module/livepatch/parameters; cat consistency_timeout_ms');
    expect(limits).toBe('30000\n');
  });

  it('are unloaded as they came', async () => {
    await node.ask('order', 'retire', String(seq + 1), '--cluster', 'dev');
    expect((await node.rollOut()).code).toBe(0);
    expectSwitched(await told('awake', 'unpatching'), mode);
    await node.ask('order', 'retire', String(seq), '--cluster', 'dev');
    expect((await node.rollOut()).code).toBe(0);
    expectSwitched(await told('sleepy', 'unpatching'), mode);
    expect(await machine.run('ls /sys/kernel/livepatch')).not.toContain('lockstep_');
    expect(await answers()).not.toMatch(/lockstep: c/);
  });
});
