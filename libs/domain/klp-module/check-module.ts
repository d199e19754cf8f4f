// SPDX-License-Identifier: GPL-2.0-only
import {
  LockstepError,
  staysLoadedFor,
  type ArtifactManifest,
  type PatchedFunction,
} from '@lockstep/domain/livepatch-model';
import { readLivepatchModule } from './read-livepatch-module';

/**
 * Reads out of a module what is said of it: what is signed, and what is loaded, is what the file does, whoever built it.
 * @param release as `uname -r` prints it on the kernel build that the module is for
 * @throws LockstepError `corrupt` `module-differs`, naming what differs
 */
export function checkModule(bytes: Uint8Array, manifest: ArtifactManifest, release: string): void {
  const { moduleName, kernelBuild, patch, replace, functions, caveats } = manifest;
  const file = `${moduleName}.ko`;
  const read = readOwn(bytes, file);
  const differ = (what: string, said: unknown, found: unknown): void => {
    if (said !== found)
      throw differs(
        `${file}: its manifest says ${what} ${String(said)}, and the module itself ${String(found)}.`,
        what,
      );
  };
  differ('name', moduleName, read.module);
  differ('kernel build', kernelBuild, read.kernelBuild);
  differ('release', release, read.release);
  differ('patch', patch, read.patch ?? patch);
  differ('replace', replace, read.replace);
  const stays = staysLoadedFor(caveats).length > 0;
  differ('that it stays loaded', stays, read.staysLoaded ?? stays);
  const [said, found] = [functions, read.functions].map((list) => new Set(list.map(nameOf)));
  const missing = [...(found ?? [])].filter((name) => said?.has(name) !== true);
  const untrue = [...(said ?? [])].filter((name) => found?.has(name) !== true);
  if (missing.length > 0)
    throw differs(`${file} changes ${shown(missing)}, of which its manifest says nothing.`, 'functions');
  if (untrue.length > 0) throw differs(`${file} does not change ${shown(untrue)}, as its manifest says.`, 'functions');
  differ('number of functions', functions.length, read.functions.length);
}

function readOwn(bytes: Uint8Array, file: string) {
  try {
    return readLivepatchModule(bytes, file);
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    throw differs(`The module cannot be read: ${error.message}`, error.reason, error);
  }
}

const nameOf = ({ object, name, sympos }: PatchedFunction): string =>
  // 0 and 1 are the same place.
  `${object}:${name}${sympos > 1 ? `,${sympos}` : ''}`;

/** Enough to see what is wrong. */
const shownAtMost = 10;

const shown = (names: readonly string[]): string =>
  names.length > shownAtMost
    ? `${names.slice(0, shownAtMost).join(', ')} and ${names.length - shownAtMost} more`
    : names.join(', ');

const differs = (message: string, what: string, cause?: unknown): LockstepError =>
  new LockstepError('corrupt', 'module-differs', message, { what }, { cause });
