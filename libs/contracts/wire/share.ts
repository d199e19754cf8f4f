// SPDX-License-Identifier: GPL-2.0-only
import type { DomainSpread, Share as WireShare } from '@lockstep/contracts/generated';
import { parseLabelKey } from '@lockstep/domain/labels';
import type { Share, Spread } from '@lockstep/domain/rollout-planner';

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

/** Undefined where none is told; of one that does not say how many, one at a time. @throws LockstepError `invalid-label`. */
export function spreadFromWire(spread: DomainSpread | undefined): Spread | undefined {
  if (spread === undefined) return undefined;
  return { label: parseLabelKey(spread.label), atMost: shareFromWire(spread.atMost) ?? { nodes: 1 } };
}
