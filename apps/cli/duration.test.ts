// SPDX-License-Identifier: GPL-2.0-only
import { describe, expect, it } from '@jest/globals';
import { readTimeOrDefault } from './duration';
import { duration } from './share-option';
import { readTimeout } from './timeout-option';
import { readTtlSeconds } from './ttl-option';

const transition = readTimeOrDefault('transition timeout', (ms) => ms);

describe('every option that takes a time takes the same units', () => {
  it.each([
    ['1000ms', 1],
    ['90s', 90],
    ['15m', 900],
    ['2h', 7_200],
    ['1d', 86_400],
  ])('%s', (text, seconds) => {
    expect([readTtlSeconds(text), duration(text)]).toEqual([seconds, seconds]);
    expect([readTimeout(text), transition(text)]).toEqual([seconds * 1_000, seconds * 1_000]);
  });

  it.each([[readTtlSeconds], [duration], [readTimeout], [transition]])('and refuses what is none (%p)', (read) => {
    for (const text of ['', 'x', '1.5h', '-1m', '1w', '1 h', '9999999999s']) {
      expect(() => read(text)).toThrow(/write a number with its unit, as in 90s, 15m, 2h or 1d/);
    }
  });
});

it('knows "default" only where there is something to go back to', () => {
  expect(transition('default')).toBe(0);
  for (const read of [readTimeout, readTtlSeconds, duration]) expect(() => read('default')).toThrow(/write a number/);
});

it('refuses what is less than a second where whole ones are counted, and what is good for no time', () => {
  expect(() => duration('1500ms')).toThrow('whole number of seconds');
  expect(() => readTtlSeconds('0s')).toThrow('no time at all');
  expect(() => readTimeout('0s')).toThrow('from 1 ms to 24 h');
});
