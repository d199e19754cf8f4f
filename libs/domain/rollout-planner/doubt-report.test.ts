// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseSeq } from '@lockstep/domain/livepatch-model';
import fc from 'fast-check';
import { doubtReport, type ReportBounds, type ReportClaims } from './doubt-report';

const bounds: ReportBounds = { offered: parseSeq(5), acknowledged: parseSeq(3), bootId: 'b1' };
const honest: ReportClaims = { position: 2, target: 4, headSeq: 5, bootId: 'b1' };

test.each<[string, Partial<ReportClaims>, RegExp | undefined]>([
  ['an honest one', {}, undefined],
  ['one of an agent that does not tell its boot', { bootId: '' }, undefined],
  ['one of a node that is where it was sent', { position: 4 }, undefined],
  ['a target beyond the head', { target: 4294967295 }, /target #4294967295.*no entry after #5/],
  ['a position beyond the head', { position: 9, target: 4 }, /position #9.*no entry after #5/],
  ['a log beyond the head', { headSeq: 6 }, /head #6/],
  ['a target below the one acknowledged', { position: 1, target: 2 }, /acknowledged target #3 and now reports #2/],
  ['a position beyond its own target', { position: 5, target: 4 }, /position #5 beyond its target #4/],
  ['another boot', { bootId: 'b0' }, /boot b0.*boot b1/],
])('%s', (_, claims, doubt) => {
  const said = doubtReport({ ...honest, ...claims }, bounds);
  if (doubt === undefined) expect(said).toBeUndefined();
  else expect(said).toMatch(doubt);
});

test('what is believed lies between what was acknowledged and what was given', () => {
  const seq = fc.nat(12);
  fc.assert(
    fc.property(seq, seq, seq, seq, seq, (position, target, headSeq, offered, acknowledged) => {
      const limits = { offered: parseSeq(offered), acknowledged: parseSeq(acknowledged), bootId: 'b1' };
      const believed = doubtReport({ position, target, headSeq, bootId: 'b1' }, limits) === undefined;
      const possible = acknowledged <= target && target <= offered && position <= target && headSeq <= offered;
      expect(believed).toBe(possible);
    }),
  );
});
