// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Caveat } from '@lockstep/domain/livepatch-model';
import {
  encodeEntry,
  entryVersion,
  readableEntryVersions,
  type Consistency,
  type LoadBody,
  type Switching,
  type UnsignedEntry,
} from './log-entry';
import { load, logOf } from './test-log';
import { parseStableMs } from './stable-time';
import { parseTransitionTimeoutMs } from './transition-timeout';

const text = (entry: UnsignedEntry): string => new TextDecoder().decode(encodeEntry(entry));

const [entry] = logOf(load('a', 'ab'));
if (entry?.body.kind !== 'load') throw new Error('no entry');
const { body } = entry;

const withSwitching = (how: Partial<LoadBody>): string => text({ ...entry, body: { ...body, ...how } });
const withMode = (consistency: Consistency | undefined): string => withSwitching({ consistency });

test('an entry without a mode is encoded as before there were modes: known hashes stay', () => {
  expect(text(entry)).toMatch(
    /^lockstep log entry 1\n\["web",.*,\[\["vmlinux","a",1\],\["vmlinux","b",1\]\]\],\[\],\[\]\]\]$/,
  );
  expect(withMode(undefined)).toBe(text(entry));
});

test('the mode is part of what is signed', () => {
  const all = [undefined, 'per_task', 'system', 'stop_machine'] as const;
  expect(new Set(all.map(withMode)).size).toBe(all.length);
});

test('an entry with a mode and no timeout is encoded as before there were timeouts', () => {
  expect(withMode('system')).toMatch(/\]\],\[\],\[\],"system"\]\]$/);
  expect(withSwitching({ consistency: 'system', transitionTimeoutMs: undefined })).toBe(withMode('system'));
});

const anySwitching: fc.Arbitrary<Switching> = fc.record({
  consistency: fc.constantFrom(undefined, 'per_task', 'system', 'stop_machine'),
  transitionTimeoutMs: fc.option(fc.integer({ min: 1000, max: 86_400_000 }), { nil: undefined }),
  stableMs: fc.option(fc.integer({ min: 1000, max: 86_400_000 }), { nil: undefined }),
});

const words = ({ consistency, transitionTimeoutMs, stableMs }: Switching): unknown[] => [
  consistency,
  transitionTimeoutMs,
  stableMs,
];

test('mode, timeout and stable time are signed: entries that differ in one of them differ in their bytes', () => {
  fc.assert(
    fc.property(anySwitching, anySwitching, (one, other) => {
      const same = JSON.stringify(words(one)) === JSON.stringify(words(other));
      expect(withSwitching(one) === withSwitching(other)).toBe(same);
    }),
  );
});

test('only an entry with a stable time needs a reader of version 2, and its first line says so', () => {
  fc.assert(
    fc.property(anySwitching, (how) => {
      const version = entryVersion({ body: { ...body, ...how } });
      expect(version).toBe(how.stableMs === undefined ? 1 : 2);
      expect(readableEntryVersions).toContain(version);
      expect(withSwitching(how)).toMatch(new RegExp(`^lockstep log entry ${version}\n`));
    }),
  );
});

test('that sleepers may be interrupted is signed, whatever else is said, and needs a reader of version 4', () => {
  fc.assert(
    fc.property(anySwitching, (how) => {
      const may = { ...how, mayInterrupt: true } as const;
      expect(entryVersion({ body: { ...body, ...may } })).toBe(4);
      expect(withSwitching(may)).toMatch(/^lockstep log entry 4\n/);
      expect(withSwitching(may).replace('entry 4', '')).not.toBe(withSwitching(how).replace(/entry \d/, ''));
    }),
  );
});

test('what to know of a module is signed, and needs a reader of version 3', () => {
  const caveat = fc.record({
    kind: fc.constantFrom('stays-loaded' as const, 'type-changed' as const),
    message: fc.string(),
  });
  const withCaveats = (caveats: readonly Caveat[] | undefined, how: Switching = {}): UnsignedEntry => ({
    ...entry,
    body: { ...body, ...how, artifact: { ...body.artifact, caveats } },
  });
  expect(text(withCaveats(undefined))).toBe(text(withCaveats([])));
  fc.assert(
    fc.property(fc.array(caveat), fc.array(caveat), anySwitching, (one, other, how) => {
      const same = JSON.stringify(one) === JSON.stringify(other);
      expect(text(withCaveats(one, how)) === text(withCaveats(other, how))).toBe(same);
      if (one.length > 0) expect(text(withCaveats(one, how))).toMatch(/^lockstep log entry 3\n/);
      expect(readableEntryVersions).toContain(entryVersion(withCaveats(one, how)));
    }),
  );
});

test.each([999, 0, -1000, 1000.5, 86_400_001, NaN, Infinity])('a stable time of %d ms is refused', (value) => {
  expect(() => parseStableMs(value)).toThrow(/from 1 s to 24 h/);
});

test.each([999, 0, -1000, 1000.5, 86_400_001, NaN, Infinity])('a timeout of %d ms is refused', (value) => {
  expect(() => parseTransitionTimeoutMs(value)).toThrow(/from 1 s to 24 h/);
});

test.each([1000, 30_000, 86_400_000])('a timeout of %d ms is taken', (value) => {
  expect(parseTransitionTimeoutMs(value)).toBe(value);
});

test.each([
  [undefined, 'f46825d81f3b286019f60efefb6074a948ab44f486ecd612e3be3e7977fd72f4'],
  ['system', '8606795c617bd89ea82742ee7f5e636e3dd8ea9244817342b96d19b7e25b092d'],
] as const)('the hash of an entry with mode %s is what it was before there were timeouts', (mode, hash) => {
  expect(createHash('sha256').update(withMode(mode)).digest('hex')).toBe(hash);
});
