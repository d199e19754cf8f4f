// SPDX-License-Identifier: GPL-2.0-only
import { spawnSync } from 'node:child_process';
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

test('tells what a process has for itself, without the program that it runs', () => {
  const before = familyOwnBytes(process.pid);
  const kept = Buffer.alloc(64e6, 1);
  expect(familyOwnBytes(process.pid) - before).toBeGreaterThan(kept.length / 2);
  expect(familyOwnBytes(process.pid)).toBeLessThan(residentBytes(process.pid));
});

test('of a process that has gone: nothing', () => {
  expect(familyOwnBytes(2 ** 22 + 1)).toBe(0);
  expect(familyCpuSeconds(2 ** 22 + 1)).toBe(0);
});
