// SPDX-License-Identifier: GPL-2.0-only
import { readdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';

/** What one command, with all that it starts, may take. */
export interface Limits {
  readonly seconds: number;
  /** Resident, of all its processes together; of each the address space. */
  readonly memoryBytes: number;
  readonly processes: number;
  /** What it writes to standard output and error. */
  readonly outputBytes: number;
  /** What its files grow by. */
  readonly diskBytes: number;
}

export type LimitName = 'time' | 'memory' | 'processes' | 'output' | 'disk';

const mib = 2 ** 20;
const gib = 2 ** 30;
const memoryAtMost = (bytes: number): number => Math.min(bytes, Math.round(totalmem() * 0.75));

/** Far above what any file of a kernel takes: an endless include or expansion must end. */
const usualForCompilers: Limits = {
  seconds: 300,
  memoryBytes: memoryAtMost(4 * gib),
  processes: 64,
  outputBytes: 32 * mib,
  diskBytes: gib,
};

/** make compiles and links whole kernels, with as many compilers as there are processors. */
const usualForMake: Limits = {
  seconds: 4 * 3600,
  memoryBytes: memoryAtMost(16 * gib),
  processes: 4096,
  outputBytes: 64 * mib,
  diskBytes: 48 * gib,
};

let [chosenForCompilers, chosenForMake]: [Partial<Limits>, Partial<Limits>] = [{}, {}];

/** Other limits for this whole process; undefined ones stay as usual. */
export function useLimits(limits: { readonly compilers?: Partial<Limits>; readonly make?: Partial<Limits> }): void {
  chosenForCompilers = limits.compilers ?? {};
  chosenForMake = limits.make ?? {};
}

/** Of one compiler, or another tool that works on one object. */
export const compilerLimits = (): Limits => ({ ...usualForCompilers, ...chosenForCompilers });
/** Of one make, and what else works on a whole tree. */
export const makeLimits = (): Limits => ({ ...usualForMake, ...chosenForMake });

/** What an operator needs to know of a limit that was hit. */
export function describeLimit(name: LimitName, limits: Limits): string {
  switch (name) {
    case 'time':
      return `${limits.seconds} s`;
    case 'memory':
      return `${Math.round(limits.memoryBytes / mib)} MiB of memory`;
    case 'processes':
      return `${limits.processes} processes at once`;
    case 'output':
      return `${Math.round(limits.outputBytes / mib)} MiB of output`;
    case 'disk':
      return `${Math.round(limits.diskBytes / mib)} MiB of disk`;
  }
}

/**
 * `prlimit` and its options: what the kernel itself enforces of each process, should the watch below be late. No core
 * files: they would hold what is secret.
 */
export const hardLimits = ({ memoryBytes, diskBytes, seconds }: Limits): string[] => [
  'prlimit',
  `--as=${memoryBytes}`,
  `--fsize=${diskBytes}`,
  // One thread has used a second no sooner than it is over; who is killed by the kernel does not say by which limit.
  `--cpu=${2 * seconds + 1}`,
  '--core=0',
  '--nofile=4096',
  '--',
];

/** What programs say when the kernel refuses them more, by the limit that they ran into. */
const complaints: readonly [LimitName, RegExp][] = [
  // Of its own /tmp; any other disk without room is everybody's, and no limit of ours.
  ['disk', /File size limit exceeded|File too large|\/tmp\/.*No space left on device/],
  ['memory', /out of memory|memory exhausted|cannot allocate memory|bad_alloc/i],
  ['processes', /Cannot fork|fork: .*Resource temporarily unavailable|vfork: /],
  ['time', /CPU time limit exceeded/],
];

/** The limit that a failed command complains of, if any. */
export const limitIn = (output: string): LimitName | undefined =>
  complaints.find(([, pattern]) => pattern.test(output))?.[0];

/** How often a running command is looked at. */
const lookEveryMs = 100;
/** What a running command has taken of a disk's inodes is told like bytes: so many files are as many as are allowed. */
const filesAtMost = 500_000;
/** So few are counted at each look: others may free as much of the disk as these take. */
const fewFiles = 100;

/**
 * Looks at a running command until it is stopped, and tells once which limit it has passed.
 * @param folders where it may write
 */
export function watchLimits(
  pid: number,
  limits: Limits,
  folders: readonly string[],
  onHit: (name: LimitName) => void,
): () => void {
  const endAtMs = performance.now() + limits.seconds * 1000;
  const room = folders.map((folder) => ({ folder, free: freeOf(folder) }));
  const isFull = (): boolean =>
    room.some(({ folder, free }) => {
      const now = freeOf(folder);
      // The disk is everybody's: only when it shrank is it worth to count many files, to know whose these are.
      const isShrunk = free.bytes - now.bytes > limits.diskBytes || free.files - now.files > filesAtMost;
      const found = countBelow(folder, limits.diskBytes, isShrunk ? filesAtMost : fewFiles);
      return found === 'larger' || (isShrunk && found === 'more-files');
    });
  const hit = (): LimitName | undefined => {
    if (performance.now() > endAtMs) return 'time';
    const taken = takenBy(pid, limits);
    if (taken.processes > limits.processes) return 'processes';
    if (taken.memoryBytes > limits.memoryBytes) return 'memory';
    return isFull() ? 'disk' : undefined;
  };
  const timer = setInterval(() => {
    const name = hit();
    if (name === undefined) return;
    clearInterval(timer);
    onHit(name);
  }, lookEveryMs);
  return () => {
    clearInterval(timer);
  };
}

function freeOf(folder: string): { bytes: number; files: number } {
  const { bavail, bsize, ffree } = statfsSync(folder);
  return { bytes: bavail * bsize, files: ffree };
}

/** What the files below a folder take, counted until it is known, or there are more of them than `mostFiles`. */
function countBelow(folder: string, bytes: number, mostFiles: number): 'larger' | 'more-files' | 'smaller' {
  let [taken, files] = [0, 0];
  const waiting = [folder];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const entry of entriesOf(next)) {
      const path = join(next, entry.name);
      if (entry.isDirectory()) waiting.push(path);
      else if (entry.isFile()) taken += (statSync(path, { throwIfNoEntry: false })?.blocks ?? 0) * 512;
      files += 1;
      if (taken > bytes) return 'larger';
      if (files > mostFiles) return 'more-files';
    }
  }
  return 'smaller';
}

/** Of a folder that may be gone by now. */
function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

const pageBytes = 4096;

/** A process and all that it has started, counted no further than the limit. */
function takenBy(pid: number, { processes: limit }: Limits): { processes: number; memoryBytes: number } {
  let [processes, memoryBytes] = [0, 0];
  const waiting = [pid];
  for (let next = waiting.pop(); next !== undefined && processes <= limit; next = waiting.pop()) {
    processes += 1;
    const resident = Number(readProc(`${next}/statm`).split(' ')[1] ?? 0);
    memoryBytes += resident * pageBytes;
    const children = readProc(`${next}/task/${next}/children`).trim();
    if (children !== '') waiting.push(...children.split(' ').map(Number));
  }
  return { processes, memoryBytes };
}

/** Empty for a process that has ended. */
function readProc(name: string): string {
  try {
    return readFileSync(`/proc/${name}`, 'latin1');
  } catch {
    return '';
  }
}
