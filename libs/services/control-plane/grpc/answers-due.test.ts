// SPDX-License-Identifier: GPL-2.0-only
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { AnswersDue } from './answers-due';

let nowMs = 0;
let rooms = 0;
let due: AnswersDue;

beforeEach(() => {
  jest.useFakeTimers();
  nowMs = 0;
  rooms = 0;
  const onRoom = (): void => {
    rooms += 1;
  };
  due = new AnswersDue({ most: 2, withinMs: 1_000, onRoom, nowMs: () => nowMs });
});
afterEach(() => {
  due.stop();
  jest.useRealTimers();
});

const pass = (ms: number): void => {
  nowMs += ms;
  jest.advanceTimersByTime(ms);
};

test('no more is begun than is due, and each answer makes room for one', () => {
  for (const key of ['a', 'b']) {
    expect(due.hasRoom()).toBe(true);
    due.begin(key);
  }
  expect(due.hasRoom()).toBe(false);
  due.end('a');
  expect(rooms).toBe(1);
  expect(due.hasRoom()).toBe(true);
  // Of one that is not due, as it has answered, nothing more is told.
  due.end('a');
  due.end('b');
  expect(rooms).toBe(1);
});

test('who does not answer in time holds up nobody, and that is told without anybody asking', () => {
  due.begin('a');
  pass(600);
  due.begin('b');
  expect(due.hasRoom()).toBe(false);
  pass(399);
  expect(rooms).toBe(0);
  pass(1);
  expect(rooms).toBe(1);
  expect(due.hasRoom()).toBe(true);
  due.begin('c');
  expect(due.hasRoom()).toBe(false);
});
