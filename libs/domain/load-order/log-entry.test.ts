// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { encodeEntry, type Consistency, type UnsignedEntry } from './log-entry';
import { load, logOf } from './test-log';

const text = (entry: UnsignedEntry): string => new TextDecoder().decode(encodeEntry(entry));

const [entry] = logOf(load('a', 'ab'));
if (entry?.body.kind !== 'load') throw new Error('no entry');
const { body } = entry;

const withMode = (consistency: Consistency | undefined): string => text({ ...entry, body: { ...body, consistency } });

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
