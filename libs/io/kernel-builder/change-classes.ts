// SPDX-License-Identifier: GPL-2.0-only
import type { DependencyIndex } from './dependency-index';
import { buildError } from './failure';
import type { FileDiff } from './unified-diff';

/**
 * The files of a diff that can change compiled code; documentation and user-space tests cannot and are left out.
 * @throws LockstepError `unsupported-change` for what recompiling single objects cannot prove safe
 */
export function filesThatMatter(diffs: readonly FileDiff[], index: DependencyIndex): string[] {
  return diffs
    .filter((diff) => !isHarmless(pathOf(diff)))
    .map((diff) => {
      const path = pathOf(diff);
      const reason = whyUnsupported(diff, path) ?? whyGenerator(path, index);
      if (reason !== undefined) throw buildError({ kind: 'unsupported-change', file: path, reason });
      return path;
    });
}

function pathOf(diff: FileDiff): string {
  return diff.newPath ?? diff.oldPath ?? '';
}

function isHarmless(path: string): boolean {
  return (
    /^(?:Documentation|LICENSES|samples|tools\/testing)\//.test(path) ||
    /^(?:MAINTAINERS|CREDITS|COPYING|README)$/.test(path)
  );
}

function whyUnsupported(diff: FileDiff, path: string): string | undefined {
  const name = path.slice(path.lastIndexOf('/') + 1);
  if (/^Kconfig/.test(name)) return 'a Kconfig change can change any object: it needs a new kernel build';
  if (/^(?:Makefile|Kbuild)/.test(name)) return 'a makefile change can change any object: it needs a new kernel build';
  if (/^(?:scripts|tools)\//.test(path))
    return 'a change to the build tools can change any object: it needs a new kernel build';
  if (name.endsWith('.S')) return 'assembly cannot be livepatched: it has no ftrace entries to divert';
  if (!/\.[ch]$/.test(name)) return 'only .c and .h files can be patched';
  if (name.endsWith('.c') && diff.oldPath === null)
    return 'a new source file needs a makefile change: put the code in an existing file';
  if (name.endsWith('.c') && diff.newPath === null)
    return 'a source file that the running kernel contains cannot be deleted';
  return undefined;
}

function whyGenerator(path: string, index: DependencyIndex): string | undefined {
  const generated = Object.hasOwn(index.generates, path) ? index.generates[path] : undefined;
  return generated === undefined ? undefined : `the build generates ${generated} from it: it needs a new kernel build`;
}
