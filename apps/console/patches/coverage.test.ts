// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import {
  parseClusterName,
  parseKernelBuildId,
  parseModuleName,
  parsePatchId,
  parsePatchName,
  parseSeq,
  parseSha256,
} from '@lockstep/domain/livepatch-model';
import type { EntryBody, EntrySignature, LogEntry } from '@lockstep/domain/load-order';
import { coverageOf } from './coverage';

const kernelBuild = parseKernelBuildId('ab'.repeat(20));

const load = (name: string): EntryBody => ({
  kind: 'load',
  artifact: {
    ...{ sha256: parseSha256('0'.repeat(64)), sizeBytes: 1, kernelBuild, moduleName: parseModuleName(name) },
    ...{ patch: parsePatchId('1'.repeat(64)), patchName: parsePatchName(name), replace: false, functions: [] },
  },
  ...{ overrides: [], builtOnto: [], consistency: undefined, transitionTimeoutMs: undefined },
  ...{ stableMs: undefined, mayInterrupt: undefined },
});

const logOf = (...bodies: EntryBody[]): LogEntry[] =>
  bodies.map((body, index) => ({
    ...{ cluster: parseClusterName('web'), kernelBuild, seq: parseSeq(index + 1), body },
    ...{ previousHash: parseSha256('0'.repeat(64)), hash: parseSha256('0'.repeat(64)) },
    signature: '' as EntrySignature,
  }));

const log = logOf(load('first'), load('second'), { kind: 'retire', retires: parseSeq(1) });

const positions = [
  { position: 0, nodes: 1 },
  { position: 1, nodes: 20 },
  { position: 2, nodes: 300 },
  { position: 3, nodes: 4_000 },
];

test('a patch is held by the nodes at positions whose stack has it', () => {
  expect(coverageOf(log, { headSeq: 3, positions }, 'second')).toEqual({ holding: 4_300, seq: 2 });
  expect(coverageOf(log, { headSeq: 2, positions }, 'first')).toEqual({ holding: 320, seq: 1 });
});

test('one that is retired is held by those who have not heard of it yet', () => {
  expect(coverageOf(log, { headSeq: 3, positions }, 'first')).toEqual({ holding: 320, seq: undefined });
});

test('of a position that the log, read before, has not got yet, its end counts', () => {
  const [first, second] = log;
  expect(coverageOf([first!, second!], { headSeq: 3, positions }, 'second')).toEqual({ holding: 4_300, seq: 2 });
});
