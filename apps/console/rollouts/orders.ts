// SPDX-License-Identifier: GPL-2.0-only
import type { RolloutMessage } from '../api/schemas';
import { isInTheWay } from './rollout';

export const orders = ['pause', 'resume', 'retry', 'abort'] as const;
export type OrderKind = (typeof orders)[number];

/** Why an order makes no sense for a rollout that has not ended as it is now; undefined where it does. The control plane decides it again. */
export function whyNotOrder(kind: OrderKind, { status, nodes }: RolloutMessage): string | undefined {
  const isStopped = status === 'ROLLOUT_STATUS_PAUSED' || status === 'ROLLOUT_STATUS_HALTED';
  switch (kind) {
    case 'pause':
      return status === 'ROLLOUT_STATUS_RUNNING' ? undefined : 'It does not run.';
    case 'resume':
      return isStopped ? undefined : 'It runs already.';
    case 'retry':
      if (status === 'ROLLOUT_STATUS_HALTED') return 'It has halted: resume it.';
      return (nodes ?? []).some(isInTheWay) ? undefined : 'No node has failed.';
    case 'abort':
      return undefined;
  }
}
