// SPDX-License-Identifier: GPL-2.0-only
import { refuseLostState, type ObjectDiff, type StateOf } from '@lockstep/domain/object-diff';

/**
 * Looks over all objects of a patch for state that is moved from one to another.
 * @returns for people: what is gone where something else is new
 * @throws LockstepError `state-lost`
 */
export function checkLostState(diffs: readonly ObjectDiff[]): string[] {
  const allOf = (which: 'goneState' | 'newState'): StateOf[] =>
    diffs.flatMap((diff) => diff[which].map((variable) => ({ objectPath: diff.objectPath, variable })));
  refuseLostState(allOf('goneState'), allOf('newState'));
  return diffs.flatMap(({ objectPath, goneState, newState }) => {
    const fresh = newState.map(({ name }) => name).sort();
    if (fresh.length === 0) return [];
    const begins = `${fresh.join(', ')} ${fresh.length === 1 ? 'begins' : 'begin'} with what the source says`;
    return goneState.map(
      ({ name }) => `${objectPath}: ${name} is gone, and what the kernel has there stays with it: ${begins}`,
    );
  });
}
