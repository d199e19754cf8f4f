// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { readIfPresent, writePrivateFile } from '@lockstep/platform/runtime';
import type { EndedBoot } from '@lockstep/domain/node-state';

// Boots that were shut down in order, a line each: `<boot id> <ms since 1970>`. A file of its own, so that whatever
// shuts the machine down can write it beside an agent that runs, and one that every kernel build's journal reads.

/** Enough for machines that change between kernels: a journal asks about boots of its own kernel only. */
const keptMarks = 64;

const fileIn = (stateDir: string): string => path.join(stateDir, 'clean-shutdowns');

export async function readShutdownMarks(stateDir: string): Promise<EndedBoot[]> {
  const text = (await readIfPresent(fileIn(stateDir))) ?? '';
  return text.split('\n').flatMap((line) => {
    const [, bootId, atMs] = /^(\S+) (\d+)$/.exec(line) ?? [];
    return bootId === undefined ? [] : [{ bootId, atMs: Number(atMs) }];
  });
}

const write = (stateDir: string, marks: readonly EndedBoot[]): Promise<void> =>
  writePrivateFile(
    fileIn(stateDir),
    marks
      .slice(-keptMarks)
      .map(({ bootId, atMs }) => `${bootId} ${atMs}\n`)
      .join(''),
  );

/** This boot is being shut down in order; on disk when it returns. */
export async function markShutdown(stateDir: string, ended: EndedBoot): Promise<void> {
  const others = (await readShutdownMarks(stateDir)).filter(({ bootId }) => bootId !== ended.bootId);
  await write(stateDir, [...others, ended]);
}

/** The shutdown did not come about: this boot goes on. */
export async function withdrawShutdownMark(stateDir: string, bootId: string): Promise<void> {
  const marks = await readShutdownMarks(stateDir);
  const others = marks.filter((mark) => mark.bootId !== bootId);
  if (others.length < marks.length) await write(stateDir, others);
}
