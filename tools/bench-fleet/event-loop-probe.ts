// SPDX-License-Identifier: GPL-2.0-only
// Loaded into the control plane before its own code (`node --require`), of whatever version: answers over the process' own
// channel how long its event loop has stood still, and what it computed meanwhile. The product knows nothing of it.
import { openSync, readSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector';

/** What the probe answers: the longest since it was asked last. */
export interface LoopAnswer {
  /** By the clock: also what other processes took. */
  readonly longestStopMs: number;
  /** Of the loop's own thread, between two looks: on a shared machine only this is its own doing. */
  readonly longestTurnCpuMs: number;
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

let longest: LoopAnswer = { longestStopMs: 0, longestTurnCpuMs: 0 };
let last = { atMs: performance.now(), cpuMs: threadCpuMs() };

setInterval(() => {
  const now = { atMs: performance.now(), cpuMs: threadCpuMs() };
  longest = {
    longestStopMs: Math.max(longest.longestStopMs, now.atMs - last.atMs - lookEveryMs),
    longestTurnCpuMs: Math.max(longest.longestTurnCpuMs, now.cpuMs - last.cpuMs),
  };
  last = now;
}, lookEveryMs).unref();

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
  last = { atMs: performance.now(), cpuMs: threadCpuMs() };
}

process.on('message', (question: ProbeQuestion) => {
  if (question.kind === 'profile') beginProfile();
  else if (question.kind === 'keep-profile') keepProfile(question.file);
  process.send?.(longest);
  if (question.kind === 'measure') longest = { longestStopMs: 0, longestTurnCpuMs: 0 };
});
// The channel alone must not keep the control plane alive.
process.channel?.unref();
