// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseClusterName, type ClusterName } from '@lockstep/domain/livepatch-model';
import { alwaysOpen, type Schedule } from '@lockstep/domain/schedule';
import { KnownSchedules } from './known-schedules';

const [web, db] = [parseClusterName('web'), parseClusterName('db')];
const frozen: Schedule = {
  windows: [],
  freezes: [{ name: 'f', selector: '', fromMs: 0, untilMs: 9, reason: '' }],
};

/** Of a database that answers when it is told to. */
function slowStore() {
  const answers: ((all: Schedule) => void)[] = [];
  const read = () =>
    new Promise<{ of: Map<ClusterName, Schedule>; all: Schedule }>((resolve) => {
      answers.push((all) => {
        resolve({ of: new Map(), all });
      });
    });
  return { read, answers };
}

test('nobody goes by what was known before while a freeze is being read', async () => {
  const { read, answers } = slowStore();
  const schedules = new KnownSchedules({ read });
  const first = schedules.of(web);
  answers[0]?.(alwaysOpen);
  expect(await first).toBe(alwaysOpen);
  schedules.readAgain();
  const both = Promise.all([schedules.of(web), schedules.of(db)]);
  for (const answer of answers) answer(frozen);
  expect(await both).toEqual([frozen, frozen]);
});

test('a change is one for each that has decided before it, whoever reads it first; what was read before it is no change', async () => {
  const { read, answers } = slowStore();
  const schedules = new KnownSchedules({ read });
  const first = schedules.of(web);
  answers[0]?.(alwaysOpen);
  await first;
  const decidedBy = schedules.edition;
  const [older, newer] = [schedules.refresh(), schedules.refresh()];
  answers[2]?.(frozen);
  await newer;
  answers[1]?.(alwaysOpen);
  await older;
  expect(schedules.edition).not.toBe(decidedBy);
  expect(await schedules.of(db)).toEqual(frozen);
});
