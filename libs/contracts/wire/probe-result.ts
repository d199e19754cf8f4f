// SPDX-License-Identifier: GPL-2.0-only
import { ProbeVerdict as WireVerdict, type ProbeResult as WireResult } from '@lockstep/contracts/generated';
import { parseSeq } from '@lockstep/domain/livepatch-model';
import type { ProbeResult, ProbeVerdict } from '@lockstep/domain/probes';

const verdictToWire: Readonly<Record<ProbeVerdict, WireVerdict>> = {
  pass: WireVerdict.PROBE_VERDICT_PASS,
  fail: WireVerdict.PROBE_VERDICT_FAIL,
  error: WireVerdict.PROBE_VERDICT_ERROR,
};

/** As much of a node's words is told. */
const longestMessage = 300;

export const probeResultToWire = ({ verdict, message, ...rest }: ProbeResult): WireResult => ({
  ...rest,
  message: message.slice(0, longestMessage),
  verdict: verdictToWire[verdict],
});

/** A verdict that only a newer agent knows is no pass. */
export function probeResultFromWire({ probe, verdict, message, position, inARow }: WireResult): ProbeResult {
  const known = (Object.keys(verdictToWire) as ProbeVerdict[]).find((each) => verdictToWire[each] === verdict);
  return {
    ...{ probe, inARow, verdict: known ?? 'error' },
    message: message.slice(0, longestMessage),
    position: parseSeq(position),
  };
}
