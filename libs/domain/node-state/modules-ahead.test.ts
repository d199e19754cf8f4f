// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import type { LogEntry } from '@lockstep/domain/load-order';
import type { ArtifactManifest, Sha256 } from '@lockstep/domain/livepatch-model';
import { modulesAhead, mostBytesAhead } from './modules-ahead';

const load = (name: string, sizeBytes = 1): LogEntry =>
  ({ body: { kind: 'load', artifact: { sha256: name as Sha256, sizeBytes, replace: false } } }) as unknown as LogEntry;
const retire = (seq: number): LogEntry => ({ body: { kind: 'retire', retires: seq } }) as unknown as LogEntry;

const inOrder = (...entries: LogEntry[]): LogEntry[] =>
  entries.map((entry, at) => ({ ...entry, seq: at + 1 }) as LogEntry);
const known = (...entries: LogEntry[]) => ({ entries: inOrder(...entries), fork: undefined, unreadable: undefined });
const names = (modules: ArtifactManifest[]): string => modules.map(({ sha256 }) => sha256).join('');

test('what the stack at the end of the log needs and is not here, from the bottom; nothing that was retired', () => {
  const all = known(load('a'), load('b'), load('c'), retire(2));
  expect(names(modulesAhead(all, new Set()))).toBe('ac');
  expect(names(modulesAhead(all, new Set(['a' as Sha256])))).toBe('c');
  expect(names(modulesAhead(known(), new Set()))).toBe('');
});

test('no more than a bounded part of the disk, with what is here already', () => {
  const half = mostBytesAhead / 2;
  const all = known(load('a', half), load('b', half + 1), load('c', half), load('d'));
  expect(names(modulesAhead(all, new Set()))).toBe('ac');
  expect(names(modulesAhead(all, new Set(['a' as Sha256])))).toBe('c');
});

test('nothing of a history that is in doubt', () => {
  const problem = { reason: 'fork', message: '' };
  expect(modulesAhead({ ...known(load('a')), fork: problem }, new Set())).toEqual([]);
  expect(modulesAhead({ ...known(load('a')), unreadable: problem }, new Set())).toEqual([]);
});
