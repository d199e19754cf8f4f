// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { EndpointPlaces } from './endpoint-places';

const placeOf = (places: EndpointPlaces, name: string) => {
  const got = places.take(name);
  return 'leave' in got ? got : undefined;
};

test('endpoints that hang have one place each and half of all together: the others are for those that answer', () => {
  const places = new EndpointPlaces();
  const hanging = Array.from({ length: 30 }, (_, index) => `hangs-${index}`);
  for (const name of hanging) placeOf(places, name)?.leave(false);
  const held = hanging.flatMap((name) => [placeOf(places, name), placeOf(places, name)]);
  expect(held.filter((place) => place !== undefined)).toHaveLength(16);
  expect(Array.from({ length: 5 }, () => placeOf(places, 'answers')).map((place) => place !== undefined)).toEqual([
    ...[true, true, true, true],
    false,
  ]);
  // One that answers again has all its places.
  held[0]?.leave(true);
  expect(placeOf(places, 'hangs-0')).toBeDefined();
  expect(placeOf(places, 'hangs-0')).toBeDefined();
});

test('of thousands that wait for one endpoint twenty come again in a second, and not all of them', () => {
  let nowMs = 0;
  const places = new EndpointPlaces(() => nowMs);
  for (let count = 0; count < 4; count += 1) places.take('hangs');
  const waits = Array.from({ length: 5_000 }, () => {
    const got = places.take('hangs');
    return 'againAfterMs' in got ? got.againAfterMs : 0;
  });
  for (const fromMs of [1_000, 100_000, 200_000]) {
    expect(waits.filter((waitMs) => waitMs >= fromMs && waitMs < fromMs + 1_000)).toHaveLength(20);
  }
  nowMs = 10_000_000;
  expect(places.take('hangs')).toEqual({ againAfterMs: 1_000 });
});
