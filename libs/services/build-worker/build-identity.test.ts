// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseKernelBuildId, parsePatchId, parsePatchName } from '@lockstep/domain/livepatch-model';
import type { BuildInputs } from '@lockstep/io/job-queue';
import { moduleNameFor } from './build-identity';

const source = (byte: string) => ({ patch: parsePatchId(byte.repeat(32)), patchName: parsePatchName('fix'), diff: '' });
const alone: BuildInputs = {
  ...source('ab'),
  kernelBuild: parseKernelBuildId('cd'.repeat(20)),
  diffs: [source('ab')],
  onto: [],
  replace: false,
};

test('a patch over nothing is named by its own id', () => {
  expect(moduleNameFor(alone)).toBe('lockstep_fix_abababab');
});

test('over other patches, or the same in another order, it is another module', () => {
  const stacks = [[], [source('01')], [source('02')], [source('01'), source('02')], [source('02'), source('01')]];
  const names = stacks.map((onto) => moduleNameFor({ ...alone, onto }));
  expect(new Set(names).size).toBe(stacks.length);
});
