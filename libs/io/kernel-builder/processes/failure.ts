// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type ErrorKind } from '@lockstep/domain/livepatch-model';
import { describeMismatch, type Mismatch } from '@lockstep/domain/source-patch';
import type { LimitName } from './limits';

/** Everything that can go wrong on purpose: each says where, what was found, and what to do. */
export type BuildFailure =
  | ({ kind: 'series-does-not-apply'; patch: string } & Mismatch)
  | { kind: 'series-broken'; series: string; reason: string }
  | { kind: 'changes-no-object'; files: string[]; compiledObjects: number }
  /** `type`: what changes of what the symbol is declared with; the symbol itself where that is all that is known. */
  | { kind: 'export-version-changed'; object: string; file: string; function: string; type: string }
  | { kind: 'compile-failed'; objectPath: string; version: 'original' | 'patched'; message: string }
  | { kind: 'not-a-kernel-tree'; dir: string; reason: string }
  | { kind: 'not-a-kernel-build'; dir: string; reason: string }
  | { kind: 'config-differs'; dir: string; given: string; options: string[] }
  | { kind: 'options-dropped'; given: string; options: string[] }
  | { kind: 'source-differs'; dir: string; vmlinux: string; difference: string }
  | { kind: 'kernel-build-changed'; dir: string; file: string }
  | { kind: 'kernel-not-registered'; id: string; cacheDir: string }
  | { kind: 'kernel-pack-failed'; id: string; dir: string; reason: string }
  | { kind: 'kernel-pack-broken'; id: string; reason: string }
  /** `said`: the first that could not write, in its own words. */
  | { kind: 'disk-full'; dir: string; said: string }
  | { kind: 'compiler-differs'; builtWith: string; compiler: string; found: string }
  | { kind: 'kernel-build-failed'; step: string; logFile: string; lastLines: string }
  | { kind: 'make-failed'; step: string; lastLines: string }
  | { kind: 'packages-missing'; dir: string; missing: string[]; packages: string[]; commands: string[] }
  | {
      kind: 'packages-unavailable';
      distribution: string;
      release: string;
      packages: string[];
      commands: string[];
      reason: string;
    }
  | { kind: 'packages-mixed'; file: string; expected: string; found: string }
  | { kind: 'no-symbols'; file: string; lacks: 'symbols' | 'debug information' }
  | { kind: 'file-broken'; file: string; said: string }
  | { kind: 'debug-file-differs'; module: string; own: string; found: string }
  | { kind: 'original-differs'; objectPath: string; object: string; differences: string[]; likely: string }
  | { kind: 'object-differs'; dir: string; objectPath: string; object: string; differences: string[] }
  | { kind: 'not-in-vendor-kernel'; objectPath: string; object: string }
  | { kind: 'tool-missing'; tool: string; debianPackage: string }
  /** `what` ran into it; `allowed`: how much that is, in words. */
  | { kind: 'limit-exceeded'; what: string; limit: LimitName; allowed: string }
  | { kind: 'no-sandbox'; asked: string; tried: string[] }
  /** What make was let run has left something in the tree that leads out of it. */
  | { kind: 'leads-outside'; file: string; found: string };

/** A failure as the error every caller knows: `reason` is the failure's kind, `fields` its other members. */
export function buildError(failure: BuildFailure, options?: { cause?: unknown }): LockstepError {
  const { kind, ...fields } = failure;
  return new LockstepError(errorKind(kind), kind, describeFailure(failure), fields, options);
}

function errorKind(kind: BuildFailure['kind']): ErrorKind {
  switch (kind) {
    case 'changes-no-object':
    case 'compile-failed':
    case 'make-failed':
    case 'not-a-kernel-tree':
    case 'not-a-kernel-build':
    case 'packages-missing':
    case 'no-symbols':
    case 'file-broken':
      return 'invalid-input';
    case 'kernel-not-registered':
      return 'not-found';
    case 'series-does-not-apply':
    case 'series-broken':
    case 'export-version-changed':
    case 'config-differs':
    case 'options-dropped':
    case 'source-differs':
    case 'kernel-build-changed':
    case 'compiler-differs':
    case 'packages-mixed':
    case 'debug-file-differs':
    case 'original-differs':
    case 'object-differs':
    case 'not-in-vendor-kernel':
    case 'limit-exceeded':
    case 'leads-outside':
      return 'refused';
    case 'kernel-build-failed':
      return 'internal';
    case 'kernel-pack-broken':
      return 'corrupt';
    case 'kernel-pack-failed':
    case 'disk-full':
    case 'packages-unavailable':
    case 'tool-missing':
    case 'no-sandbox':
      return 'unavailable';
  }
}

/** One or more lines for a person. */
function describeFailure(failure: BuildFailure): string {
  switch (failure.kind) {
    case 'series-does-not-apply':
      return `the series does not fit this kernel tree: ${failure.patch}: ${describeMismatch(failure)}`;
    case 'series-broken':
      return `${failure.series}: ${failure.reason}`;
    case 'changes-no-object':
      return failure.compiledObjects === 0
        ? `the diff changes no object of this kernel build: nothing compiled there reads ${failure.files.join(', ')}`
        : `the diff changes no object of this kernel build: the ${failure.compiledObjects} that read ${failure.files.join(', ')} compile to the same bytes`;
    case 'export-version-changed':
      return `${failure.object}: the diff changes ${failure.type === failure.function ? `how ${failure.function}, which ${failure.file} exports, is declared` : `${failure.type}, which ${failure.function}, exported by ${failure.file}, is declared with`}: its version (CRC) is no longer the one that modules of this kernel were built for. To go on: leave the types that its declaration reaches as they are; new fields go into shadow variables (klp_shadow_alloc) or a struct of your own, and what only this file uses may be hidden by #ifndef __GENKSYMS__ if no layout changes.`;
    case 'compile-failed':
      return `${failure.objectPath} (${failure.version}) does not compile:\n${failure.message}`;
    case 'not-a-kernel-tree':
      return `${failure.dir} is not a kernel source tree: ${failure.reason}`;
    case 'not-a-kernel-build':
      return `${failure.dir} is not a finished kernel build: ${failure.reason}`;
    case 'config-differs':
      return `${failure.dir} was built with another config than ${failure.given}: ${failure.options.join(', ')}. Give the tree's own, or a tree that is not built yet`;
    case 'options-dropped':
      return `this source does not grant what ${failure.given} asks for: ${failure.options.join(', ')}. Give the source and the config of the kernel that runs`;
    case 'source-differs':
      return `${failure.vmlinux} was not built from ${failure.dir}: ${failure.difference}. Give the running kernel's own source and config`;
    case 'kernel-build-changed':
      return `${failure.dir} is no longer what was built: ${failure.file} changed since. Build it again, boot that, and register it`;
    case 'kernel-not-registered':
      return `kernel build ${failure.id} is not registered in ${failure.cacheDir}: register its build tree there first`;
    case 'kernel-pack-failed':
      return `kernel build ${failure.id} in ${failure.dir} cannot be packed for other workers: ${failure.reason}`;
    case 'kernel-pack-broken':
      return `the packed kernel build ${failure.id} cannot be used: ${failure.reason}. Register its build tree again`;
    case 'disk-full':
      return `there is no room: ${failure.said}. Make some in ${failure.dir} and where temporary files go, or lower LOCKSTEP_CACHE_MAX_BYTES`;
    case 'compiler-differs':
      return `the kernel was built with "${failure.builtWith}", but ${failure.compiler} here is "${failure.found}": install that compiler`;
    case 'kernel-build-failed':
      return `the kernel build failed at ${failure.step}, full log in ${failure.logFile}:\n${failure.lastLines}`;
    case 'make-failed':
      return `${failure.step} failed:\n${failure.lastLines}`;
    case 'packages-missing':
      return `${failure.dir} lacks ${failure.missing.join(', ')} of the kernel. They are in ${failure.packages.join(', ')}. Type:\n${failure.commands.join('\n')}`;
    case 'packages-unavailable':
      return `the packages of ${failure.release} cannot be fetched here (${failure.reason}): ${failure.packages.join(', ')}. Unpack them elsewhere and give their folder with --from FOLDER:\n${failure.commands.join('\n')}`;
    case 'packages-mixed':
      return `the packages do not belong together: ${failure.file} is of ${failure.found}, not of ${failure.expected}. Take all in one version`;
    case 'no-symbols':
      return `${failure.file} has no ${failure.lacks}: give the kernel with debug information, from the vendor's debug package`;
    case 'file-broken':
      return `${failure.file} cannot be unpacked: ${failure.said}. Get it, or the package that it came in, again`;
    case 'debug-file-differs':
      return `the symbols of the module ${failure.module} are of another build (${failure.found}) than the module itself (${failure.own}): take both packages in one version`;
    case 'original-differs':
      return `${failure.objectPath}, compiled here, is not what the vendor's ${failure.object} has: ${failure.differences.join('; ')}. ${failure.likely}`;
    case 'object-differs':
      return `${failure.objectPath} in ${failure.dir} is not what its ${failure.object} was linked from: ${failure.differences.join('; ')}. It was made again since. Build the kernel to its end, boot that, and register it`;
    case 'not-in-vendor-kernel':
      return `${failure.objectPath} is part of ${failure.object}, of which the vendor ships no module or no symbols: it cannot be proved, and so not patched`;
    case 'limit-exceeded':
      return `${failure.what} was ended: it took more than ${failure.allowed} (limit: ${failure.limit})`;
    case 'no-sandbox':
      return `compilers and make run in a sandbox, and none works here (asked for: ${failure.asked}; ${failure.tried.join('; ')}). Install bubblewrap and allow user namespaces (in a container: its seccomp and AppArmor profile must let unshare and mount through). To build without one, which lets a diff run as this user with all that it may read, say so: --sandbox none, or LOCKSTEP_SANDBOX=none for a worker`;
    case 'leads-outside':
      return `with the diff, the build leaves ${failure.file} in the tree, ${failure.found}: nothing of it is used`;
    case 'tool-missing':
      return `${failure.tool} is not installed: apt-get install ${failure.debianPackage}`;
  }
}

const shownLines = 20;

/** What to show of a failed make: the first error matters more than make's own farewell of a dozen lines. */
export function firstErrorLines(output: string): string {
  const lines = output.trimEnd().split('\n');
  const firstError = lines.findIndex((line) => /\berror\b|Error \d/i.test(line));
  const from = firstError < 0 ? Math.max(0, lines.length - shownLines) : Math.max(0, firstError - 2);
  return lines.slice(from, from + shownLines).join('\n');
}
