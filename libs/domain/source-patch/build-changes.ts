// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { DependencyIndex } from './dependency-index';
import { pathOf, renamedFrom, type FileDiff } from './unified-diff';

/** Why make would run or obey a file that has this path; undefined for what is only compiled. */
export function whyMakeObeys(path: string, index: Pick<DependencyIndex, 'generates'>): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (name.startsWith('Kconfig')) return 'a Kconfig change can change any object';
  if (/^(?:Makefile|Kbuild)/.test(name)) return 'a makefile change can change any object';
  if (/^(?:scripts|tools)\//.test(path)) return 'a change to the build tools can change any object';
  if (/\.(?:gch|pch)(?:\/|$)/.test(path)) return 'the compiler would load it in place of a header';
  const generated = Object.hasOwn(index.generates, path) ? index.generates[path] : undefined;
  return generated === undefined ? undefined : `the build generates ${generated} from it`;
}

/** Where nothing is known of the kernel yet. */
const noIndex = { generates: {} };

/**
 * Such a diff decides what a build machine runs, which is more than what a kernel runs: it is a right of its own.
 * @param whyMake of files of one kernel build; by their paths alone if undefined
 * @throws LockstepError `changes-the-build`, naming the file
 */
export function refuseBuildChanges(
  diffs: readonly FileDiff[],
  whyMake: (path: string) => string | undefined = (path) => whyMakeObeys(path, noIndex),
): void {
  for (const path of diffs.flatMap((diff) => [renamedFrom(diff) ?? pathOf(diff), pathOf(diff)])) {
    const reason = /^tools\/testing\//.test(path) ? undefined : whyMake(path);
    if (reason === undefined) continue;
    const message = `The diff changes ${path}, which decides what the build itself runs (${reason}). Leave it out; or, if you know what it does on a build machine, say so with --allow-build-changes.`;
    throw new LockstepError('refused', 'changes-the-build', message, { file: path });
  }
}
