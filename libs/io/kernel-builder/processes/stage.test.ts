// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { runStage } from './stage';

let dir = '';
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lockstep-stage-'));
});
afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

const stage = (): string => join(dir, '01-work');

/** Fails the first time, half done, as a kill would. */
function workThatIsCutOff(): { runs: string[][]; work: (dir: string) => Promise<void> } {
  const runs: string[][] = [];
  return {
    runs,
    work: async (stageDir) => {
      runs.push(await readdir(stageDir));
      await writeFile(join(stageDir, `half-${runs.length}`), '');
      if (runs.length === 1) throw new Error('cut off');
    },
  };
}

test('a finished stage is not run again', async () => {
  let runs = 0;
  const work = async (): Promise<void> => {
    runs += 1;
    return Promise.resolve();
  };
  await runStage(stage(), work);
  await runStage(stage(), work);
  expect(runs).toBe(1);
});

test('a stage that was cut off starts afresh', async () => {
  const { runs, work } = workThatIsCutOff();
  await expect(runStage(stage(), work)).rejects.toThrow('cut off');
  await runStage(stage(), work);
  expect(runs).toEqual([[], []]);
});

test('a resumable one finds what it had', async () => {
  const { runs, work } = workThatIsCutOff();
  await expect(runStage(stage(), work, { resumable: true })).rejects.toThrow('cut off');
  await runStage(stage(), work, { resumable: true });
  expect(runs).toEqual([[], ['half-1']]);
});
