// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { LockstepError, type ModuleName, type PatchedFunction } from '@lockstep/domain/livepatch-model';
import type { KernelConflict } from '@lockstep/domain/node-state';
import { errorCode } from '@lockstep/platform/runtime';
import { debugFolder, livepatchFolder, readIfTold, type KernelRoots } from './sysfs-view';

/** A text that changes while it is read is begun again; this often in a row it does not happen. */
const readings = 5;

function parsePlace(text: string): Pick<PatchedFunction, 'name' | 'sympos'> | undefined {
  const [, name, sympos] = /^(.+),(\d+)$/.exec(text) ?? [];
  return name === undefined ? undefined : { name, sympos: Number(sympos) };
}

/** `PATCH`, or `PATCH:FUNCTION,POSITION` for one that knows the function by another name. */
function parseOwner(text: string): KernelConflict['owners'][number] | undefined {
  const colon = text.indexOf(':');
  if (colon < 0) return { module: text as ModuleName };
  const knownAs = parsePlace(text.slice(colon + 1));
  return knownAs === undefined ? undefined : { module: text.slice(0, colon) as ModuleName, knownAs };
}

/**
 * The text of /sys/kernel/debug/livepatch/conflicts: a line `OBJECT FUNCTION,POSITION PATCH PATCH…` for each function, the
 * livepatches from top to bottom (Documentation/ABI/testing/sysfs-kernel-livepatch-conflicts).
 * @throws LockstepError `corrupt` `unknown-conflicts` for any other text.
 */
export function parseKernelConflicts(text: string): KernelConflict[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [object = '', place = '', ...names] = line.split(' ');
      const fn = parsePlace(place);
      const owners = names.map(parseOwner).filter((owner) => owner !== undefined);
      if (fn !== undefined && owners.length === names.length && owners.length > 1) {
        return { function: { object, ...fn }, owners };
      }
      const message = `The kernel's list of conflicts has a line that is not understood: ${line}`;
      throw new LockstepError('corrupt', 'unknown-conflicts', message, { line });
    });
}

/** The kernel's own view of conflicts; undefined on a stock core, which has none, and for all but root. Earlier patched cores have it in sysfs. */
export async function readKernelConflicts(roots: KernelRoots): Promise<KernelConflict[] | undefined> {
  for (const folder of [debugFolder(roots), livepatchFolder(roots)]) {
    const text = await readWhole(path.join(folder, 'conflicts'));
    if (text !== undefined) return parseKernelConflicts(text);
  }
  return undefined;
}

/** In sysfs it may change while it is read, which is an error there. */
async function readWhole(file: string): Promise<string | undefined> {
  for (let reading = 1; ; reading += 1) {
    try {
      return await readIfTold(file);
    } catch (error) {
      if (errorCode(error) !== 'ESTALE' || reading === readings) throw error;
    }
  }
}
