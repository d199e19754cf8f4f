// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';

/** How calls of those fared who do nothing wrong. Times in ms. */
export interface Fared {
  readonly calls: number;
  readonly failed: readonly string[];
  readonly p50: number;
  readonly p99: number;
  readonly longest: number;
}

const everyMs = 100;

function fared(tookMs: number[], failed: readonly string[]): Fared {
  tookMs.sort((a, b) => a - b);
  const at = (share: number): number => Math.round(tookMs[Math.floor((tookMs.length - 1) * share)] ?? NaN);
  return { calls: tookMs.length + failed.length, failed, p50: at(0.5), p99: at(0.99), longest: at(1) };
}

/** Calls again and again, until the time is over, and waits for each answer. */
export async function callFor(seconds: number, call: () => Promise<unknown>): Promise<Fared> {
  const tookMs: number[] = [];
  const failed: string[] = [];
  const endMs = performance.now() + seconds * 1_000;
  while (performance.now() < endMs) {
    const begunMs = performance.now();
    try {
      await call();
      tookMs.push(performance.now() - begunMs);
    } catch (error) {
      failed.push((error as Error).message);
    }
    await sleep(everyMs);
  }
  return fared(tookMs, failed);
}
