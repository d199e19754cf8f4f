// SPDX-License-Identifier: GPL-2.0-only
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { MeasuredPage, startBrowser, type FirstLook, type WatchingFigures } from './measured-page';
import type { WatchedFleet } from './watched-fleet';

export interface ConsoleFigures {
  /** The middle of `firstPaintMsAll`: until the first node stands there, with nothing in the browser's cache. */
  readonly firstPaintMs: number;
  readonly firstPaintMsAll: readonly number[];
  readonly firstContentMs: number;
  /** Over the wire until then: the page's files and its first nodes. */
  readonly transferredBytes: number;
  readonly scriptMsPerSecond: number;
  readonly busyMsPerSecond: number;
  readonly watchedBytesPerSecond: number;
  /** Of one CPU, for each page that is open: control plane and PostgreSQL, beside what they use with none open. */
  readonly serverCpuPercent: number;
  readonly serverCpuPercentAll: readonly number[];
  /** With no page open. */
  readonly serverIdleCpuPercent: number;
  readonly load: number;
}

export interface MeasureOptions {
  readonly looks: number;
  readonly pages: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly say: (line: string) => void;
}

const settleMs = 2_000;

function middle(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? NaN;
}

async function firstLooks(browser: Browser, fleet: WatchedFleet, { looks, say }: MeasureOptions): Promise<FirstLook[]> {
  const all: FirstLook[] = [];
  // The first page of a browser pays for the browser.
  for (let look = -1; look < looks; look += 1) {
    await fleet.keepRolling();
    await using page = await MeasuredPage.open(browser, fleet.consoleUrl, fleet.token);
    const seen = await page.firstLook();
    if (look < 0) continue;
    all.push(seen);
    say(`first node after ${seen.usefulMs.toFixed(0)} ms, ${seen.transferredBytes} bytes`);
  }
  return all;
}

interface ServerCpu {
  readonly without: number;
  readonly each: number;
}

interface Watching {
  readonly server: readonly ServerCpu[];
  readonly page: readonly WatchingFigures[];
}

async function cpuPercent(fleet: WatchedFleet, work: () => Promise<unknown>): Promise<number> {
  const before = fleet.cpuSeconds();
  const startedAt = performance.now();
  await work();
  return ((fleet.cpuSeconds() - before) / ((performance.now() - startedAt) / 1_000)) * 100;
}

/** In turn without a page and with some: what a rollout costs goes up and down, and is no page's. */
async function watching(browser: Browser, fleet: WatchedFleet, options: MeasureOptions): Promise<Watching> {
  const { pages, rounds, seconds, say } = options;
  const server: ServerCpu[] = [];
  const page: WatchingFigures[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await fleet.keepRolling();
    const without = await cpuPercent(fleet, () => sleep(seconds * 1_000));
    const open: MeasuredPage[] = [];
    try {
      for (let count = 0; count < pages; count += 1) {
        open.push(await MeasuredPage.open(browser, fleet.consoleUrl, fleet.token));
      }
      await fleet.keepRolling();
      await sleep(settleMs);
      const whole = await cpuPercent(fleet, async () => {
        page.push(...(await Promise.all(open.map((each) => each.watch(seconds)))));
      });
      server.push({ without, each: (whole - without) / pages });
    } finally {
      await Promise.all(open.map((each) => each[Symbol.asyncDispose]()));
    }
    say(
      `server: ${without.toFixed(1)} % with no page, ${(server.at(-1)?.each ?? NaN).toFixed(2)} % for each of ${pages}`,
    );
  }
  return { server, page };
}

/** What the nodes page costs its reader and the server, while nodes move. */
export async function measureConsole(fleet: WatchedFleet, options: MeasureOptions): Promise<ConsoleFigures> {
  const browser = await startBrowser();
  try {
    const looks = await firstLooks(browser, fleet, options);
    const { server, page } = await watching(browser, fleet, options);
    const firstPaintMsAll = looks.map(({ usefulMs }) => usefulMs);
    const serverCpuPercentAll = server.map(({ each }) => each);
    return {
      firstPaintMs: middle(firstPaintMsAll),
      firstPaintMsAll,
      firstContentMs: middle(looks.map(({ contentMs }) => contentMs)),
      transferredBytes: middle(looks.map(({ transferredBytes }) => transferredBytes)),
      scriptMsPerSecond: middle(page.map(({ scriptMsPerSecond }) => scriptMsPerSecond)),
      busyMsPerSecond: middle(page.map(({ busyMsPerSecond }) => busyMsPerSecond)),
      watchedBytesPerSecond: middle(page.map(({ transferredBytesPerSecond }) => transferredBytesPerSecond)),
      serverCpuPercent: middle(serverCpuPercentAll),
      serverCpuPercentAll,
      serverIdleCpuPercent: middle(server.map(({ without }) => without)),
      load: loadavg()[0] ?? NaN,
    };
  } finally {
    await browser.close();
  }
}
