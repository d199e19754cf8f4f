// SPDX-License-Identifier: GPL-2.0-only
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@jest/globals';
import { cpuSeconds, familyCpuSeconds, familyOwnBytes, peakResidentBytes, residentBytes } from './process-usage';

const burn = 'const end = process.cpuUsage().user + 2e5; while (process.cpuUsage().user < end);';

test('tells the CPU of a process, and with it that of its children that have ended', () => {
  const before = familyCpuSeconds(process.pid);
  spawnSync(process.execPath, ['--eval', burn]);
  expect(familyCpuSeconds(process.pid) - before).toBeGreaterThanOrEqual(0.2);
  expect(cpuSeconds(process.pid)).toBeCloseTo(process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6, 0);
});

test('tells what is resident, and the most that ever was, as near as the kernel counts', () => {
  expect(Math.abs(residentBytes(process.pid) - process.memoryUsage().rss)).toBeLessThan(64e6);
  expect(peakResidentBytes(process.pid)).toBeGreaterThan(residentBytes(process.pid) - 16e6);
});

test('tells what a process has for itself, without the program that it runs', async () => {
  // A process of its own: the test's may have children that an earlier test left, and they count too.
  const kept = 64e6;
  const child = spawn(process.execPath, [
    '--eval',
    `const kept = Buffer.alloc(${kept}, 1); console.log(kept.length); setInterval(() => kept, 1e6);`,
  ]);
  try {
    await once(child.stdout, 'data');
    const pid = child.pid ?? 0;
    expect(familyOwnBytes(pid)).toBeGreaterThan(kept);
    expect(familyOwnBytes(pid)).toBeLessThan(residentBytes(pid));
    expect(familyOwnBytes(process.pid)).toBeGreaterThan(familyOwnBytes(pid));
  } finally {
    child.kill();
  }
});

test('of a process that has gone: nothing', () => {
  expect(familyOwnBytes(2 ** 22 + 1)).toBe(0);
  expect(familyCpuSeconds(2 ** 22 + 1)).toBe(0);
});
