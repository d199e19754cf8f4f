// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseSeq } from '@lockstep/domain/livepatch-model';
import { judgeProbes, triesUntilError, type ProbeResult, type ProbeVerdict } from './probe-result';

const result = (probe: string, verdict: ProbeVerdict, over: Partial<ProbeResult> = {}): ProbeResult => ({
  ...{ probe, verdict, message: 'x', position: parseSeq(5), inARow: 1 },
  ...over,
});
const isAfter = (position: number): boolean => position >= 5;
const hopeless = { inARow: triesUntilError };

test.each<[string, readonly ProbeResult[], string]>([
  ['all pass', [result('a', 'pass'), result('b', 'pass')], 'pass'],
  ['none has been run', [], 'awaited'],
  ['one has not been run', [result('a', 'pass')], 'awaited'],
  ['one passed elsewhere', [result('a', 'pass'), result('b', 'pass', { position: parseSeq(4) })], 'awaited'],
  ['one fails', [result('a', 'pass'), result('b', 'fail')], 'fail'],
  ['one fails, and the other was never measured', [result('b', 'fail')], 'fail'],
  ['one could not be measured once', [result('a', 'pass'), result('b', 'error')], 'awaited'],
  ['one could not be measured at all', [result('a', 'pass'), result('b', 'error', hopeless)], 'error'],
  ['one fails where the other cannot be measured', [result('a', 'error', hopeless), result('b', 'fail')], 'fail'],
  ['what nobody wants fails', [result('a', 'pass'), result('b', 'pass'), result('c', 'fail')], 'pass'],
])('%s: %s', (_, results, kind) => {
  expect(judgeProbes(['a', 'b'], results, isAfter).kind).toBe(kind);
});
