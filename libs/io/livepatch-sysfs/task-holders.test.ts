// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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

function addTask(pid: number, { state = 'S', stack = '', group = '/' } = {}): void {
  write(`proc/${pid}/stat`, `${pid} (a (b) c) ${state} 1 1\n`);
  write(`proc/${pid}/stack`, stack);
  write(`proc/${pid}/cgroup`, `13:freezer:${group}\n4:cpu,cpuacct:/other\n0::/\n`);
}

beforeEach(() => {
  top = mkdtempSync(path.join(tmpdir(), 'lockstep-holds-'));
  roots = { sys: path.join(top, 'sys'), proc: path.join(top, 'proc'), run: path.join(top, 'run') };
  const symbols = [
    'ffffffff81a00000 T __sched_text_start',
    'ffffffff81a00010 t do_nanosleep',
    'ffffffff81a00200 T schedule',
    'ffffffff81a00900 T __sched_text_end',
    'ffffffff81b00000 T meminfo_proc_show',
  ];
  write('proc/kallsyms', symbols.map((line) => `${line}\n`).join(''));
  const freezer = path.join(top, 'freezer');
  write('proc/mounts', `proc /proc proc rw 0 0\ncgroup ${freezer} cgroup rw,relatime,freezer 0 0\n`);
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
  write('proc/mounts', 'cgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n');
  expect(await frozenGroups(roots)).toEqual([]);
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
