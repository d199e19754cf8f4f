// SPDX-License-Identifier: GPL-2.0-only
import type { Share as WireShare } from '@lockstep/contracts/generated';
import type { Share } from '@lockstep/domain/rollout-planner';

/** Undefined where none is told. */
export function shareFromWire(share: WireShare | undefined): Share | undefined {
  switch (share?.of?.$case) {
    case undefined:
      return undefined;
    case 'nodes':
      return { nodes: share.of.value };
    case 'percent':
      return { percent: share.of.value };
  }
}

export const shareToWire = (share: Share): WireShare => ({
  of: 'nodes' in share ? { $case: 'nodes', value: share.nodes } : { $case: 'percent', value: share.percent },
});
