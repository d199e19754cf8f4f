// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { TimeSlices } from './time-slices';

/** Streams that all go on when one answer comes; each send takes a ms of a clock that nothing else moves. */
async function sendAll(count: number) {
  let nowMs = 0;
  const turns = new TimeSlices(20, () => nowMs);
  const sent: number[] = [];
  let inThisTurn = 0;
  let most = 0;
  let answer = (): void => undefined;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  const streams = Array.from({ length: count }, async (_, index) => {
    await answered;
    const turn = turns.turn();
    if (turn !== undefined) await turn;
    nowMs += 1;
    sent.push(index);
    inThisTurn += 1;
    most = Math.max(most, inThisTurn);
  });
  let isOver = false;
  const beginTurn = (): void => {
    inThisTurn = 0;
    if (!isOver) setImmediate(beginTurn);
  };
  setImmediate(beginTurn);
  answer();
  await Promise.all(streams);
  isOver = true;
  return { sent, most, turns };
}

test('ten thousand streams that one answer wakes send in their order, as many in a turn as go in its time', async () => {
  const { sent, most, turns } = await sendAll(10_000);
  expect(sent).toEqual(Array.from({ length: 10_000 }, (_, index) => index));
  // What goes at once in the turn of the answer, and the first that is handed on.
  expect(most).toBeLessThanOrEqual(41);
  await new Promise(setImmediate);
  expect(turns.turn()).toBeUndefined();
});
