// SPDX-License-Identifier: GPL-2.0-only
import type { HeldOutStatus } from '@lockstep/domain/livepatch-model';
import type { NotYet } from './rollout-plan';

const whyHeldOut: Readonly<Record<HeldOutStatus, string>> = {
  diverged: 'its kernel holds what is not in the load order',
  forked: "its log is not this control plane's",
  ahead: 'it knows entries that this control plane has lost',
};

/** A "not yet" in words: what is waited for, and where someone must act, how. */
export function explainNotYet(notYet: NotYet): string {
  switch (notYet.reason) {
    case 'waiting-for-canary':
      return `Waits for the canaries: ${notYet.canaries.join(', ')}.`;
    case 'waiting-for-wave':
      return `Waits for wave ${notYet.wave}: ${notYet.nodes.join(', ')}.`;
    case 'moving':
      return `On its way, at position ${notYet.position}.`;
    case 'disconnected':
      return 'Not connected: it is brought to the position when it returns.';
    case 'silent':
      return 'Connected, but its agent has not reported yet.';
    case 'lost':
      return 'Gone since it was told to move: look at the machine. A new rollout goes on without it.';
    case 'diverged':
    case 'forked':
    case 'ahead':
      return `Held out, ${whyHeldOut[notYet.reason]}: ${notYet.problem}`;
    case 'failed':
      return `Failed: ${notYet.problem}`;
    case 'quarantined':
      return `Quarantined: ${notYet.problem}`;
    case 'rollout-halted':
      return `Not started, the rollout halted when ${notYet.failed.join(', ')} failed.`;
  }
}
