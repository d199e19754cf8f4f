// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { frozenGroups } from './frozen-groups';
import type { KernelRoots } from './sysfs-view';
import { TaskHolders } from './task-holders';

let top: string;
let roots: KernelRoots;

function write(file: string, text: string): void {
  const whole = path.join(top, file);
  mkdirSync(path.dirname(whole), { recursive: true });
  writeFileSync(whole, text);
}

function addTask(pid: number, { state = 'S', stack = '', group = '/', unified = '/' } = {}): void {
  write(`proc/${pid}/stat`, `${pid} (a (b) c) ${state} 1 1\n`);
  write(`proc/${pid}/stack`, stack);
  write(`proc/${pid}/cgroup`, `13:freezer:${group}\n4:cpu,cpuacct:/other\n0::${unified}\n`);
}

/** @param lines without their three numbers */
function mount(...lines: string[]): void {
  const proc = '22 1 0:21 / /proc rw,nosuid shared:5 - proc proc rw\n';
  write('proc/self/mountinfo', proc + lines.map((line) => `36 22 0:31 ${line}\n`).join(''));
}

beforeEach(() => {
  top = mkdtempSync(path.join(tmpdir(), 'lockstep-holds-'));
  roots = { sys: path.join(top, 'sys'), proc: path.join(top, 'proc'), run: path.join(top, 'run') };
  const symbols = [
    'ffffffff81a00000 T io_schedule',
    'ffffffff81a00000 T __sched_text_start',
    'ffffffff81a00010 t do_nanosleep',
    'ffffffff81a00200 T schedule',
    'ffffffff81a00900 T __cpuidle_text_start',
    'ffffffff81a00900 T __sched_text_end',
    'ffffffff81b00000 T meminfo_proc_show',
  ];
  write('proc/kallsyms', symbols.map((line) => `${line}\n`).join(''));
  mount(`/ ${top}/freezer rw,relatime shared:9 - cgroup cgroup rw,freezer`);
  write('freezer/jail/freezer.state', 'FROZEN\n');
  write('freezer/jail/tasks', '11\n12\n');
  write('freezer/jail/inner/freezer.state', 'FROZEN\n');
  write('freezer/open/freezer.state', 'THAWED\n');
});
afterEach(() => {
  rmSync(top, { recursive: true });
});

const explain = async (pid: number, fn: string, ...switched: string[]) =>
  (await new TaskHolders(roots).explain([{ pid, comm: 'x', function: fn }], switched))[0];

test('a frozen control group is told once, with what is below it', async () => {
  expect(await frozenGroups(roots)).toEqual([
    { kind: 'frozen-tasks', at: '/jail', by: expect.stringMatching(/freezer\.state says FROZEN, 2 tasks$/) },
  ]);
});

test('without version 1 of the freezer nothing is frozen', async () => {
  mount('/ /sys/fs/cgroup rw - cgroup2 cgroup2 rw');
  expect(await frozenGroups(roots)).toEqual([]);
});

test.each([
  ['beside others', 'rw,cpu,freezer'],
  ['with a name', 'rw,freezer,name=x'],
])('the freezer may be mounted %s, and where a path has spaces', async (_, options) => {
  write('a b/jail/freezer.state', 'FREEZING\n');
  mount(`/ ${top}/a\\040b rw - cgroup my\\040groups ${options}`);
  expect(await frozenGroups(roots)).toMatchObject([{ kind: 'frozen-tasks', at: '/jail' }]);
});

test('of several places all of the hierarchy counts; of a part of it, where that is', async () => {
  write('part/freezer.state', 'THAWED\n');
  write('part/one/freezer.state', 'FROZEN\n');
  const part = `/machine/box ${top}/part rw master:3 - cgroup cgroup rw,freezer`;
  mount(part);
  expect(await frozenGroups(roots)).toMatchObject([{ at: '/machine/box/one' }]);
  mount(part, `/ ${top}/freezer rw - cgroup cgroup rw,freezer`);
  expect(await frozenGroups(roots)).toMatchObject([{ at: '/jail' }]);
});

test.each([
  [1, 'frozen'],
  [0, undefined],
])('version 2 beside it: a group whose events say frozen %i', async (frozen, heldBy) => {
  mount(`/ ${top}/freezer rw - cgroup cgroup rw,freezer`, `/ ${top}/unified rw - cgroup2 cgroup2 rw,nsdelegate`);
  write('unified/box/cgroup.events', `populated 1\nfrozen ${frozen}\n`);
  addTask(11, { unified: '/box' });
  expect(await explain(11, 'get_signal', 'get_signal')).toEqual({
    ...{ pid: 11, comm: 'x', function: 'get_signal' },
    ...(heldBy === undefined ? {} : { heldBy }),
  });
});

test.each([
  ['/jail', 'frozen'],
  ['/jail/inner', 'frozen'],
  ['/jailer', undefined],
  ['/open', undefined],
])('a task of group %s is held: %s', async (group, heldBy) => {
  addTask(11, { group });
  expect(await explain(11, 'meminfo_proc_show', 'meminfo_proc_show')).toEqual({
    ...{ pid: 11, comm: 'x', function: 'meminfo_proc_show' },
    ...(heldBy === undefined ? {} : { heldBy }),
  });
});

test.each([
  ['', '[<0>] hrtimer_nanosleep+0x9/0x10\n[<0>] bpf_trampoline_6442493862+0x54/0x1000\n'],
  ['(unreliable:bpf_prog_0123_probe)', ''],
])('a stack that a BPF program is on (%s)', async (fn, stack) => {
  addTask(11, { stack });
  expect(await explain(11, fn, 'meminfo_proc_show')).toMatchObject({ function: fn, heldBy: 'bpf-program' });
});

test('who sleeps where /proc/PID/stack shows nothing is told to be in what is switched there', async () => {
  addTask(11);
  expect(await explain(11, '', 'do_nanosleep', 'meminfo_proc_show')).toMatchObject({
    function: 'do_nanosleep',
    heldBy: 'hidden-sleep',
  });
});

test('what begins where the section does is in it, in whatever order the names are listed', async () => {
  addTask(11);
  expect(await explain(11, '', 'io_schedule')).toMatchObject({ function: 'io_schedule', heldBy: 'hidden-sleep' });
  expect(await explain(11, '', '__cpuidle_text_start')).not.toHaveProperty('heldBy');
});

test('addresses need not be shown for that', async () => {
  const kallsyms = path.join(top, 'proc/kallsyms');
  writeFileSync(kallsyms, readFileSync(kallsyms, 'utf8').replace(/^\S+/gm, '0'.repeat(16)));
  addTask(11);
  expect(await explain(11, '', 'do_nanosleep')).toMatchObject({ function: 'do_nanosleep', heldBy: 'hidden-sleep' });
  expect(await explain(11, '', 'meminfo_proc_show')).toEqual({ pid: 11, comm: 'x', function: '' });
});

test.each([
  ['runs', 'R', 'do_nanosleep'],
  ['sleeps, but nothing of the scheduler is switched', 'S', 'meminfo_proc_show'],
])('nothing is made up about who %s', async (_, state, switched) => {
  addTask(11, { state });
  expect(await explain(11, '', switched)).toEqual({ pid: 11, comm: 'x', function: '' });
});

test('idle tasks and tasks that have gone are left as they are', async () => {
  for (const pid of [0, 99]) expect(await explain(pid, '', 'do_nanosleep')).toEqual({ pid, comm: 'x', function: '' });
});
