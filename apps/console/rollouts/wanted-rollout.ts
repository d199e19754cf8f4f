// SPDX-License-Identifier: GPL-2.0-only
import type { Schemas } from '../api/schemas';

type Rules = Schemas['RolloutRules'];

/** What somebody types of a rollout, as it stands in the form. */
export interface WantedRollout {
  readonly cluster: string;
  readonly kernelBuildId: string;
  readonly canaries: string;
  readonly waveSize: string;
  readonly bakeSeconds: string;
  readonly canarySelector: string;
  readonly spreadLabel: string;
  readonly spreadAtMost: string;
  /** One a line. */
  readonly probes: string;
  readonly gates: string;
  /** As an emergency, for which its reason stands. */
  readonly isEmergency: boolean;
  readonly reason: string;
}

export const nothingWanted: Omit<WantedRollout, 'cluster' | 'kernelBuildId'> = {
  ...{ canaries: '1', waveSize: '0', bakeSeconds: '0', canarySelector: '', spreadLabel: '', spreadAtMost: '1' },
  ...{ probes: '', gates: '', isEmergency: false, reason: '' },
};

const whole = (text: string): number => Math.max(0, Math.trunc(Number(text)) || 0);

const linesOf = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');

/** `10%` or `3`: of the nodes of a failure domain. */
function shareOf(text: string): Schemas['Share'] {
  const count = whole(text.replace('%', ''));
  return text.trim().endsWith('%') ? { percent: count } : { nodes: count };
}

function spreadOf({ spreadLabel, spreadAtMost }: WantedRollout): Pick<Rules, 'spread'> {
  const label = spreadLabel.trim();
  return label === '' ? {} : { spread: { label, atMost: shareOf(spreadAtMost) } };
}

/** An emergency has its own waves, and no bake time: what it takes of the form is who goes, and what must be well. */
export function planRequestOf(wanted: WantedRollout): Schemas['PlanRolloutRequest'] {
  const { cluster, kernelBuildId, isEmergency, canarySelector } = wanted;
  const common = { canarySelector: canarySelector.trim(), ...spreadOf(wanted) };
  if (isEmergency) return { rollout: { cluster, kernelBuildId, rules: common }, breakGlass: true };
  const rules = { ...common, probes: linesOf(wanted.probes), gates: linesOf(wanted.gates) };
  return {
    rollout: {
      ...{ cluster, kernelBuildId, canaries: whole(wanted.canaries), waveSize: whole(wanted.waveSize) },
      rules: { ...rules, bakeSeconds: whole(wanted.bakeSeconds) },
    },
  };
}
