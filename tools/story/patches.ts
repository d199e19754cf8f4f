// SPDX-License-Identifier: GPL-2.0-only
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

const contextLines = 3;

/** A diff that adds one line to a source, after the only line that reads `after`. @throws Error where there is no such line, or another. */
export function addedLine(file: string, source: string, after: string, added: string): string {
  const lines = source.split('\n');
  const places = lines.flatMap((line, index) => (line.trim() === after ? [index] : []));
  const [place] = places;
  if (place === undefined || places.length > 1) {
    throw new Error(`${file} has ${places.length} lines "${after}": the story's patches do not fit this kernel.`);
  }
  const from = Math.max(0, place + 1 - contextLines);
  const until = Math.min(lines.length, place + 1 + contextLines);
  const context = (some: readonly string[]): string[] => some.map((line) => ` ${line}`);
  const count = until - from;
  return [
    `--- a/${file}`,
    `+++ b/${file}`,
    `@@ -${from + 1},${count} +${from + 1},${count + 1} @@`,
    ...context(lines.slice(from, place + 1)),
    `+${added}`,
    ...context(lines.slice(place + 1, until)),
    '',
  ].join('\n');
}

const file = 'fs/proc/meminfo.c';

/** A patch whose function writes to address 0 (these machines have no swap) when /proc/meminfo is read: an oops, not a panic. */
export async function writeOopsingPatch(treeDir: string, dir: string): Promise<string> {
  const target = path.join(dir, 'meminfo-oops.patch');
  const source = await readFile(path.join(treeDir, file), 'utf8');
  await writeFile(target, addedLine(file, source, 'si_swapinfo(&i);', '\t*(volatile int *)i.totalswap = 0;'));
  return target;
}

export interface StoryPatches {
  /** A fix of two functions' worth of CVE; its author has overlooked something. */
  readonly first: string;
  /** What was overlooked: in the same function, so that it lies over the first. */
  readonly second: string;
}

/** Written for the kernel that is there. @param dir gets the files */
export async function writePatches(treeDir: string, dir: string): Promise<StoryPatches> {
  const source = await readFile(path.join(treeDir, file), 'utf8');
  const write = async (name: string, after: string, added: string): Promise<string> => {
    const target = path.join(dir, name);
    await writeFile(target, addedLine(file, source, after, added));
    return target;
  };
  return {
    first: await write('meminfo.patch', 'arch_report_meminfo(m);', '\tseq_puts(m, "lockstep: a1\\n");'),
    second: await write('meminfo-again.patch', 'si_swapinfo(&i);', '\tseq_puts(m, "lockstep: a2\\n");'),
  };
}
