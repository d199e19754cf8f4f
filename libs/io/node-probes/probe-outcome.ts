// SPDX-License-Identifier: GPL-2.0-only
import type { ProbeVerdict } from '@lockstep/domain/probes';

export interface ProbeOutcome {
  readonly verdict: ProbeVerdict;
  /** Empty of one that passed. */
  readonly message: string;
}

export const ended: ProbeOutcome = { verdict: 'error', message: 'it did not end in its time, and was ended' };
