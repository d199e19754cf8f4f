// SPDX-License-Identifier: GPL-2.0-only
import type { HeldOutStatus, NodeName } from '@lockstep/domain/livepatch-model';
import type { NotYet, RolloutPlan } from './rollout-plan';

const whyHeldOut: Readonly<Record<HeldOutStatus, string>> = {
  diverged: 'its kernel holds what is not in the load order',
  forked: "its log is not this control plane's",
  ahead: 'it knows entries that this control plane has lost',
  implausible: 'what it reports cannot be true',
};

/** As many are named: each node that waits names those that it waits for. */
export const mostNamed = 10;

const someOf = (nodes: readonly NodeName[], count: number): string => {
  const named = nodes.slice(0, mostNamed);
  return count <= named.length ? named.join(', ') : `${named.join(', ')} and ${count - named.length} others`;
};

/** A "not yet" of a plan in words: what is waited for, and where someone must act, how. */
export function explainNotYet(
  notYet: NotYet,
  { openWave, haltedBy }: Pick<RolloutPlan, 'openWave' | 'haltedBy'>,
): string {
  switch (notYet.reason) {
    case 'waiting-for-canary':
      return `Waits for the canaries: ${someOf(openWave?.nodes ?? [], openWave?.open ?? 0)}.`;
    case 'waiting-for-wave':
      return `Waits for wave ${notYet.wave}: ${someOf(openWave?.nodes ?? [], openWave?.open ?? 0)}.`;
    case 'moving':
      return `On its way, at position ${notYet.position}.`;
    case 'stuck':
      return `Told to move, and still at position ${notYet.position}: ${notYet.problem}`;
    case 'disconnected':
      return 'Not connected: it is brought to the position when it returns; `lockstep node remove` if it never will.';
    case 'silent':
      return 'Connected, but its agent has not reported a state that this control plane knows.';
    case 'lost':
      return 'Gone since it was told to move: look at the machine; `lockstep node remove` if it never returns.';
    case 'diverged':
    case 'forked':
    case 'ahead':
    case 'implausible':
      return `Held out, ${whyHeldOut[notYet.reason]}: ${notYet.problem}`;
    case 'failed':
      return `Failed: ${notYet.problem}`;
    case 'obstructed':
      return `Held out until this is out of the way, for its kernel would refuse the load: ${notYet.problem}`;
    case 'quarantined':
      return `Quarantined: ${notYet.problem}`;
    case 'rollout-halted':
      return haltedBy.length === 0
        ? 'Not started, the rollout halted when the last of its nodes had left.'
        : `Not started, the rollout halted when ${someOf(haltedBy, haltedBy.length)} failed.`;
  }
}

const waitsItself: ReadonlySet<NotYet['reason']> = new Set([
  'waiting-for-canary',
  'waiting-for-wave',
  'rollout-halted',
] as const);

/** Does the rollout wait for this node, or the node, like others, for the rollout? */
export const isAwaited = ({ reason }: NotYet): boolean => !waitsItself.has(reason);
