// SPDX-License-Identifier: GPL-2.0-only
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { diffObjects, type TableLayouts } from '@lockstep/domain/object-diff';

export interface Measured {
  /** The first comparison of a new process, which compiles its code while it runs. */
  readonly seconds: number;
  /** Processor time of the same, all threads: what a busy machine does not distort. */
  readonly cpuSeconds: number;
  /** As a running worker takes: the best of the rounds after the first. */
  readonly warmSeconds: number;
  /** The most memory that the process had, both files and the runtime included. */
  readonly rssBytes: number;
  readonly changedFunctions: readonly string[];
}

/** In a process of its own: argument `--measure` of main.ts. */
export async function measureApart(original: string, patched: string, tables: TableLayouts): Promise<Measured> {
  const args = [__filename, '--measure', original, patched, JSON.stringify(tables)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as Measured;
}

const warmRounds = 6;

/** What the process that measureApart starts prints. */
export function measureHere([originalFile = '', patchedFile = '', tablesJson = '']: readonly string[]): Measured {
  const tables = JSON.parse(tablesJson) as TableLayouts;
  const [original, patched] = [new Uint8Array(readFileSync(originalFile)), new Uint8Array(readFileSync(patchedFile))];
  const once = () => {
    const started = performance.now();
    const { functions } = diffObjects({ original, patched, objectPath: 'bench.o', tables });
    return { seconds: (performance.now() - started) / 1000, functions };
  };
  const before = process.cpuUsage();
  const { seconds, functions } = once();
  const { user, system } = process.cpuUsage(before);
  const rssBytes = process.resourceUsage().maxRSS * 1024;
  const warmSeconds = Math.min(...Array.from({ length: warmRounds }, () => once().seconds));
  return {
    seconds,
    cpuSeconds: (user + system) / 1e6,
    warmSeconds,
    rssBytes,
    changedFunctions: functions.map(({ symbol }) => symbol.name),
  };
}
