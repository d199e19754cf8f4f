// SPDX-License-Identifier: GPL-2.0-only
// Loaded into the control plane before its own code (`node --require`), of whatever version: answers over the process' own
// channel how long its event loop has stood still, and what it computed meanwhile. The product knows nothing of it.
import { openSync, readSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';
import { PerformanceObserver } from 'node:perf_hooks';

/** What the probe answers: the longest since it was asked last. */
export interface LoopAnswer {
  /** By the clock: also what other processes took. */
  readonly longestStopMs: number;
  /** Of the loop's own thread, between two looks: on a shared machine only this is its own doing. */
  readonly longestTurnCpuMs: number;
  /** When in the process' life that was. */
  readonly longestTurnAtMs: number;
  /** How often the loop went round in it, and how many of its sockets and timers had something: one round of many is what came at once. */
  readonly longestTurnRounds: number;
  readonly longestTurnEvents: number;
  /** The longest stop for the garbage collector, which is part of some turn. */
  readonly longestGcMs: number;
  /** What JavaScript's objects need, and what V8 holds for them. */
  readonly heapUsedBytes: number;
  readonly heapTotalBytes: number;
  /** Memory of buffers, outside that heap. */
  readonly externalBytes: number;
}

/** A profile begins, or is written to the file and ends. */
export type ProbeQuestion =
  | { readonly kind: 'measure' }
  | { readonly kind: 'profile' }
  | { readonly kind: 'keep-profile'; readonly file: string };

const lookEveryMs = 20;

const schedstat = openSync('/proc/self/schedstat', 'r');
const text = Buffer.alloc(64);

/** CPU of the thread that runs the event loop: the file's first field, in ns. Cheap, since it is asked all the time. */
function threadCpuMs(): number {
  readSync(schedstat, text, 0, text.length, 0);
  return Number(text.toString('latin1', 0, text.indexOf(' '))) / 1e6;
}

type Longest = Omit<LoopAnswer, 'heapUsedBytes' | 'heapTotalBytes' | 'externalBytes'>;

const nothingYet: Longest = {
  longestStopMs: 0,
  longestTurnCpuMs: 0,
  longestTurnAtMs: 0,
  longestTurnRounds: 0,
  longestTurnEvents: 0,
  longestGcMs: 0,
};

function look() {
  const { loopCount: rounds, events } = performance.nodeTiming.uvMetricsInfo;
  return { atMs: performance.now(), cpuMs: threadCpuMs(), rounds, events };
}

let longest = nothingYet;
let last = look();

setInterval(() => {
  const now = look();
  const turnCpuMs = now.cpuMs - last.cpuMs;
  longest = {
    ...longest,
    longestStopMs: Math.max(longest.longestStopMs, now.atMs - last.atMs - lookEveryMs),
    ...(turnCpuMs > longest.longestTurnCpuMs && {
      longestTurnCpuMs: turnCpuMs,
      longestTurnAtMs: now.atMs,
      longestTurnRounds: now.rounds - last.rounds,
      longestTurnEvents: now.events - last.events,
    }),
  };
  last = now;
}, lookEveryMs).unref();

new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) {
    longest = { ...longest, longestGcMs: Math.max(longest.longestGcMs, duration) };
  }
}).observe({ entryTypes: ['gc'] });

function answer(): LoopAnswer {
  const { heapUsed, heapTotal, external } = process.memoryUsage();
  return { ...longest, heapUsedBytes: heapUsed, heapTotalBytes: heapTotal, externalBytes: external };
}

let profiler: Session | undefined;

function beginProfile(): void {
  profiler = new Session();
  profiler.connect();
  profiler.post('Profiler.enable');
  profiler.post('Profiler.start');
}

function keepProfile(file: string): void {
  profiler?.post('Profiler.stop', (_, { profile }) => {
    writeFileSync(file, JSON.stringify(profile));
  });
  profiler?.disconnect();
  profiler = undefined;
  last = look();
}

process.on('message', (question: ProbeQuestion) => {
  if (question.kind === 'profile') beginProfile();
  else if (question.kind === 'keep-profile') keepProfile(question.file);
  process.send?.(answer());
  if (question.kind === 'measure') longest = nothingYet;
});
// The channel alone must not keep the control plane alive.
process.channel?.unref();
