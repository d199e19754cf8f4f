// SPDX-License-Identifier: GPL-2.0-only
import { showProbe, type Probe } from '@lockstep/domain/probes';
import type { Share } from './share';

/** What must pass on each node before its load, and after it as long as its wave has not passed. */
export interface ProbeRules {
  /** None: nothing is asked. */
  readonly probes: readonly Probe[];
  readonly everyMs: number;
  /** For so long one may take; then it is ended, and could not be measured. */
  readonly timeoutMs: number;
  /** How many of a wave's planned nodes may be impossible to measure: where there are more, a person decides. */
  readonly allowedErrors: Share;
}

export const noProbes: ProbeRules = {
  ...{ probes: [], everyMs: 10_000, timeoutMs: 5_000 },
  allowedErrors: { nodes: 0 },
};

const mostProbes = 20;

/** Why nothing can be measured by these rules; undefined if it can. */
export function refuseProbes({ probes, everyMs, timeoutMs }: ProbeRules): string | undefined {
  if (probes.length > mostProbes) return `Ask for at most ${mostProbes} probes.`;
  const texts = probes.map(showProbe);
  const twice = texts.find((text, index) => texts.indexOf(text) !== index);
  if (twice !== undefined) return `${twice} is asked for twice: once is enough.`;
  if (timeoutMs < 100 || timeoutMs > 300_000) return 'A probe is given from 0.1 s to 5 minutes.';
  if (everyMs < 1_000 || everyMs > 3_600_000) return 'Probes are run again after 1 s to an hour.';
  return undefined;
}
