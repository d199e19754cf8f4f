// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { defaultStableMs } from '@lockstep/domain/load-order';
import type { Seq } from '@lockstep/domain/livepatch-model';
import { watchLoads } from './crash-guard';
import type { Known } from './node-state';

test('a load is stable once its host has been up for all of its stable time since, and not a millisecond before', () => {
  const seq = 1 as Seq;
  const load = { seq, bootId: 'b1', atMs: 0, stable: false, endedAtUptimeMs: 1_000 };
  const known = { boot: { bootId: 'b1' }, loads: [load], entries: [] } as unknown as Known;
  const effectsAt = (uptimeMs: number) => watchLoads(known, { patches: [], artifacts: new Set(), uptimeMs }).effects;
  expect(effectsAt(1_000 + defaultStableMs - 1)).toEqual([]);
  expect(effectsAt(1_000 + defaultStableMs)).toEqual([{ kind: 'record-stable', seqs: [seq], bootId: 'b1' }]);
});
