// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { blockingTasks } from './blocking-tasks';

let proc: string;
beforeEach(() => {
  proc = mkdtempSync(path.join(tmpdir(), 'lockstep-proc-'));
});
afterEach(() => {
  rmSync(proc, { recursive: true });
});

function addThread(pid: number, tid: number, isSwitched: boolean, comm = 'held'): void {
  const folder = path.join(proc, String(pid), 'task', String(tid));
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'patch_state'), isSwitched ? '1\n' : '0\n');
  writeFileSync(path.join(folder, 'comm'), `${comm}\n`);
}

const look = (round: { lastPid: number; turn: number }) =>
  blockingTasks({ sys: proc, proc, run: proc }, 1, { functions: new Set(), modules: new Set() }, round);

test('of many processes and of one with many threads each look takes a part; the looks go round and find whoever waits', async () => {
  for (let pid = 1; pid <= 2500; pid += 1) addThread(pid, pid, pid !== 2400);
  for (let tid = 3000; tid < 5500; tid += 1) addThread(3000, tid, tid !== 5400);
  const round = { lastPid: 0, turn: 0 };
  const found = new Set<number>();
  const seen: number[] = [];
  for (let turn = 0; turn < 12; turn += 1) {
    const blockers = await look(round);
    seen.push(blockers.length);
    for (const { pid } of blockers) found.add(pid);
  }
  expect(seen[0]).toBe(0);
  expect([...found].sort()).toEqual([2400, 5400]);
});

test('a transition that ends while it is looked at has nobody in its way', async () => {
  addThread(7, 7, false);
  writeFileSync(path.join(proc, '7/task/7/patch_state'), '-1\n');
  expect(await look({ lastPid: 0, turn: 0 })).toEqual([]);
});

test.each(['größer', 'a (b) c', 'two\nlines', ') R 1 (x'])('a task may be called %j', async (comm) => {
  addThread(7, 7, false, comm);
  expect(await look({ lastPid: 0, turn: 0 })).toEqual([{ pid: 7, comm, function: '' }]);
});

test.each([
  ['two+0x1/0x9 [klp_other]', 'one+0x1/0x9', 'one'],
  ['schedule+0x1/0x9', 'new_one+0x1/0x9 [klp_other]', 'new_one'],
  ['one.cold+0x1/0x9', 'do_one+0x1/0x9 [one]', ''],
])('in %s, %s a thread is in "%s"', async (inner, outer, place) => {
  addThread(7, 7, false);
  writeFileSync(path.join(proc, '7/task/7/stack'), `[<0>] ${inner}\n[<0>] ${outer}\n[<0>] 0xffffffffc0001234\n`);
  const switched = { functions: new Set(['one']), modules: new Set(['klp_other']) };
  expect(await blockingTasks({ sys: proc, proc, run: proc }, 1, switched)).toMatchObject([{ function: place }]);
});
