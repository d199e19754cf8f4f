// SPDX-License-Identifier: GPL-2.0-only
import { refuseLostState, type ObjectDiff, type StateOf } from '@lockstep/domain/object-diff';

/** What a livepatch module is made of: `object` is `vmlinux` or a module's name. */
interface Patched {
  readonly object: string;
  readonly diff: ObjectDiff;
}

/**
 * Looks over all objects of a patch for state that is moved from one to another.
 * @param replace whether it takes the place of all other livepatches, which may have brought the same variables
 * @returns for people: what is gone where something else is new, and what of a patch's own variables outlasts or is outlasted
 * @throws LockstepError `state-lost`
 */
export function checkLostState(patched: readonly Patched[], replace: boolean): string[] {
  const allOf = (which: 'goneState' | 'newState'): StateOf[] =>
    patched.flatMap(({ diff }) => diff[which].map((variable) => ({ objectPath: diff.objectPath, variable })));
  refuseLostState(allOf('goneState'), allOf('newState'));
  return patched.flatMap((one) => remarksOn(one, replace));
}

function remarksOn({ object, diff: { objectPath, goneState, newState } }: Patched, replace: boolean): string[] {
  const fresh = newState.map(({ name }) => name).sort();
  if (fresh.length === 0) return [];
  const [is, begins] = fresh.length === 1 ? ['is a variable', 'begins'] : ['are variables', 'begin'];
  const remarks = goneState.map(
    ({ name }) =>
      `${objectPath}: ${name} is gone, and what the kernel has there stays with it: ${fresh.join(', ')} ${begins} with what the source says`,
  );
  const own = `${objectPath}: ${fresh.join(', ')} ${is} of the patch's own`;
  if (replace)
    remarks.push(`${own}: what a livepatch that it takes the place of has under such a name is not gone on with`);
  if (object !== 'vmlinux') {
    remarks.push(
      `${own}, and not of module ${object}: what is there stays when ${object} is unloaded, and is not set anew when it is loaded again`,
    );
  }
  return remarks;
}
