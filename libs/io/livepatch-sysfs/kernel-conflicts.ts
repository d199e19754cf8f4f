// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { LockstepError, type ModuleName, type PatchedFunction } from '@lockstep/domain/livepatch-model';
import type { KernelConflict } from '@lockstep/domain/node-state';
import { errorCode } from '@lockstep/platform/runtime';
import { livepatchFolder, unlessGone, type KernelRoots } from './sysfs-view';

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
 * The text of /sys/kernel/livepatch/conflicts: a line `OBJECT FUNCTION,POSITION PATCH PATCH…` for each function, the
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

/** The kernel's own view of conflicts; undefined on a stock core, which has none. */
export async function readKernelConflicts(roots: KernelRoots): Promise<KernelConflict[] | undefined> {
  const file = path.join(livepatchFolder(roots), 'conflicts');
  for (let reading = 1; ; reading += 1) {
    try {
      const text = await unlessGone(readFile(file, 'latin1'));
      return text === undefined ? undefined : parseKernelConflicts(text);
    } catch (error) {
      if (errorCode(error) !== 'ESTALE' || reading === readings) throw error;
    }
  }
}
