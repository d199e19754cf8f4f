// SPDX-License-Identifier: GPL-2.0-only
import { Consistency as WireConsistency } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { parseStableMs, parseTransitionTimeoutMs, type Consistency, type Switching } from '@lockstep/domain/load-order';

/** The fields of messages that say how kernels switch; zeros where nothing is said. */
export interface WireSwitching {
  readonly consistency: WireConsistency;
  readonly transitionTimeoutMs: number;
  readonly stableMs: number;
}

const wireConsistency: Readonly<Record<Consistency, WireConsistency>> = {
  per_task: WireConsistency.CONSISTENCY_PER_TASK,
  system: WireConsistency.CONSISTENCY_SYSTEM,
  stop_machine: WireConsistency.CONSISTENCY_STOP_MACHINE,
};

export const consistencyToWire = (consistency: Consistency | undefined): WireConsistency =>
  consistency === undefined ? WireConsistency.CONSISTENCY_UNSPECIFIED : wireConsistency[consistency];

/** @throws LockstepError `invalid-input` for a mode that this version does not know. */
export function consistencyFromWire(wire: WireConsistency): Consistency | undefined {
  switch (wire) {
    case WireConsistency.CONSISTENCY_UNSPECIFIED:
      return undefined;
    case WireConsistency.CONSISTENCY_PER_TASK:
      return 'per_task';
    case WireConsistency.CONSISTENCY_SYSTEM:
      return 'system';
    case WireConsistency.CONSISTENCY_STOP_MACHINE:
      return 'stop_machine';
    default:
      throw new LockstepError('invalid-input', 'unknown-consistency', 'The consistency mode is not known here.');
  }
}

export const switchingToWire = ({ consistency, transitionTimeoutMs, stableMs }: Switching): WireSwitching => ({
  consistency: consistencyToWire(consistency),
  transitionTimeoutMs: transitionTimeoutMs ?? 0,
  stableMs: stableMs ?? 0,
});

/** Only what is said. @throws LockstepError `invalid-input` for an unknown mode, or a time out of bounds. */
export function switchingFromWire(wire: WireSwitching): Switching {
  const consistency = consistencyFromWire(wire.consistency);
  const { transitionTimeoutMs, stableMs } = wire;
  return {
    ...(consistency === undefined ? {} : { consistency }),
    ...(transitionTimeoutMs === 0 ? {} : { transitionTimeoutMs: parseTransitionTimeoutMs(transitionTimeoutMs) }),
    ...(stableMs === 0 ? {} : { stableMs: parseStableMs(stableMs) }),
  };
}
