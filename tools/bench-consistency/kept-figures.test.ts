// SPDX-License-Identifier: GPL-2.0-only
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { figuresOf, readMeasurements, type Figures } from './figures';
import { KeptFigures, type Measured } from './kept-figures';

const what: Measured = { kernel: 'a', tasks: 100, runningPercent: 0, cpus: 2, rounds: 50, tries: 20 };
const measured = (windowNs: number) => (): Promise<Figures> =>
  Promise.resolve(figuresOf(readMeasurements(`system ${windowNs} 90 5\n`)));

test('measures nothing twice, but all that is not the same', async () => {
  using scratch = ScratchDirectory.create('kept-figures');
  const file = path.join(scratch.path, 'figures');
  const first = await new KeptFigures(file).getOrMeasure(what, measured(10));
  expect(first.systemMedianNs).toBe(10);

  const kept = new KeptFigures(file);
  expect(await kept.getOrMeasure(what, measured(11))).toEqual(first);
  for (const other of [
    { kernel: 'b' },
    { tasks: 101 },
    { runningPercent: 5 },
    { cpus: 4 },
    { rounds: 1 },
    { tries: 1 },
  ]) {
    expect((await kept.getOrMeasure({ ...what, ...other }, measured(12))).systemMedianNs).toBe(12);
  }
});

test('measures again what was cut off while it was written', async () => {
  using scratch = ScratchDirectory.create('kept-figures');
  const file = path.join(scratch.path, 'figures');
  appendFileSync(file, '{"kernel":"a","tasks":100');
  expect((await new KeptFigures(file).getOrMeasure(what, measured(10))).systemMedianNs).toBe(10);
  expect((await new KeptFigures(file).getOrMeasure(what, measured(11))).systemMedianNs).toBe(10);
});

test('keeps nothing without a file', async () => {
  const kept = new KeptFigures(undefined);
  await kept.getOrMeasure(what, measured(10));
  expect((await kept.getOrMeasure(what, measured(11))).systemMedianNs).toBe(11);
});
