// SPDX-License-Identifier: GPL-2.0-only
import type { LivepatchFile } from '@lockstep/domain/klp-module';
import { concerns, consequenceOf, type Obstacle } from '@lockstep/domain/livepatch-model';

/** What of a host is in the way of this module. */
export function obstaclesTo(
  { functions, isSigned }: Pick<LivepatchFile, 'functions' | 'isSigned'>,
  found: readonly Obstacle[],
): Obstacle[] {
  return found.filter(
    (obstacle) => concerns(obstacle, functions) && !(isSigned && consequenceOf(obstacle.kind) === 'refused-unsigned'),
  );
}

/** Will the kernel refuse the module? */
export const isFatal = ({ kind }: Obstacle): boolean => consequenceOf(kind) !== 'held-up';
