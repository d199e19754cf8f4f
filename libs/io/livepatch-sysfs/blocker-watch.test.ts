// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { parseModuleName } from '@lockstep/domain/livepatch-model';
import type { Blocker, Transition } from '@lockstep/domain/node-state';
import { BlockerWatch } from './blocker-watch';
import { stockTransition } from './transition-stats';

const ours = parseModuleName('lockstep_a_00000000');
const blocker = (pid: number): Blocker => ({ pid, comm: 'sleeper', function: '' });

/** Looks are answered by hand. */
function watched() {
  const answers: ((pids: readonly number[] | Error, of?: string) => void)[] = [];
  const watch = new BlockerWatch(
    ours,
    () =>
      new Promise<Transition>((resolve, reject) => {
        answers.push((pids, of: string = ours) => {
          if (pids instanceof Error) reject(pids);
          else resolve({ ...stockTransition(parseModuleName(of), true, 1), blockers: pids.map(blocker) });
        });
      }),
  );
  return { watch, answers };
}

test('a look that takes longer than it may is not waited for: what was seen before is told', async () => {
  const { watch, answers } = watched();
  watch.begin();
  answers[0]?.([7]);
  await sleep(0);
  expect(await watch.within(10)).toEqual([blocker(7)]);
  expect(answers).toHaveLength(2);
});

test('one that comes in time is; there is one at a time, and one that fails sees nothing new', async () => {
  const { watch, answers } = watched();
  const seen = watch.within(60_000);
  watch.begin();
  expect(answers).toHaveLength(1);
  answers[0]?.([7, 8]);
  expect(await seen).toEqual([blocker(7), blocker(8)]);
  const again = watch.within(60_000);
  answers[1]?.(new Error('gone'));
  expect(await again).toEqual([blocker(7), blocker(8)]);
});

test('another livepatch’s are not its own; nothing is told once it is over', async () => {
  const { watch, answers } = watched();
  const told: number[] = [];
  watch.begin((blockers) => told.push(blockers.length));
  answers[0]?.([7], 'lockstep_b_00000000');
  await sleep(0);
  watch.begin((blockers) => told.push(blockers.length));
  watch.end();
  answers[1]?.([7]);
  await sleep(0);
  expect(told).toEqual([0]);
});
