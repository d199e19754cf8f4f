// SPDX-License-Identifier: GPL-2.0-only
import { refuseLostState, type ObjectDiff, type StateOf } from '@lockstep/domain/object-diff';

/**
 * Looks over all objects of a patch for state that is moved from one to another.
 * @param replace whether it takes the place of all other livepatches, which may have brought the same variables
 * @returns for people: what is gone where something else is new, and what of other livepatches is not gone on with
 * @throws LockstepError `state-lost`
 */
export function checkLostState(diffs: readonly ObjectDiff[], replace: boolean): string[] {
  const allOf = (which: 'goneState' | 'newState'): StateOf[] =>
    diffs.flatMap((diff) => diff[which].map((variable) => ({ objectPath: diff.objectPath, variable })));
  refuseLostState(allOf('goneState'), allOf('newState'));
  return diffs.flatMap(({ objectPath, goneState, newState }) => {
    const fresh = newState.map(({ name }) => name).sort();
    if (fresh.length === 0) return [];
    const own = `${objectPath}: ${fresh.join(', ')} ${fresh.length === 1 ? 'is a variable' : 'are variables'} of the patch's own`;
    const replaced = `${own}: what a livepatch that it takes the place of has under such a name is not gone on with`;
    const begins = `${fresh.join(', ')} ${fresh.length === 1 ? 'begins' : 'begin'} with what the source says`;
    const lost = goneState.map(
      ({ name }) => `${objectPath}: ${name} is gone, and what the kernel has there stays with it: ${begins}`,
    );
    return replace ? [...lost, replaced] : lost;
  });
}
