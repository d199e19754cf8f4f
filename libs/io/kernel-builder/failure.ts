// SPDX-License-Identifier: GPL-2.0-only

/** Everything that can go wrong on purpose: each says where, what was found, and what to do. */
export type BuildFailure =
  | { kind: 'diff-syntax'; line: number; reason: string }
  | { kind: 'diff-does-not-apply'; file: string; hunk: number; line: number; expected: string; found: string }
  | { kind: 'series-does-not-apply'; patch: string; file: string; hunk: number; line: number; expected: string; found: string }
  | { kind: 'series-broken'; series: string; reason: string }
  | { kind: 'changes-no-object'; files: string[] }
  | { kind: 'unsupported-change'; file: string; reason: string }
  | { kind: 'compile-failed'; objectPath: string; version: 'original' | 'patched'; message: string }
  | { kind: 'not-a-kernel-tree'; dir: string; reason: string }
  | { kind: 'not-a-kernel-build'; dir: string; reason: string }
  | { kind: 'kernel-build-failed'; step: string; logFile: string; lastLines: string }
  | { kind: 'tool-missing'; tool: string; debianPackage: string }
  | { kind: 'interrupted'; step: string };

/** The one error class of this library; `failure` is what callers switch on. */
export class KernelBuilderError extends Error {
  override readonly name = 'KernelBuilderError';

  constructor(
    readonly failure: BuildFailure,
    options?: { cause?: unknown },
  ) {
    super(describeFailure(failure), options);
  }
}

/** One or more lines for a person. */
export function describeFailure(failure: BuildFailure): string {
  switch (failure.kind) {
    case 'diff-syntax':
      return `the diff cannot be read, line ${failure.line}: ${failure.reason}`;
    case 'diff-does-not-apply':
      return `the diff does not apply: ${describeMismatch(failure)}`;
    case 'series-does-not-apply':
      return `the series does not fit this kernel tree: ${failure.patch}: ${describeMismatch(failure)}`;
    case 'series-broken':
      return `${failure.series}: ${failure.reason}`;
    case 'changes-no-object':
      return `the diff changes no object of this kernel build: nothing that was compiled depends on ${failure.files.join(', ')}`;
    case 'unsupported-change':
      return `${failure.file}: ${failure.reason}`;
    case 'compile-failed':
      return `${failure.objectPath} (${failure.version}) does not compile:\n${failure.message}`;
    case 'not-a-kernel-tree':
      return `${failure.dir} is not a kernel source tree: ${failure.reason}`;
    case 'not-a-kernel-build':
      return `${failure.dir} is not a finished kernel build: ${failure.reason}`;
    case 'kernel-build-failed':
      return `the kernel build failed at ${failure.step}, full log in ${failure.logFile}:\n${failure.lastLines}`;
    case 'tool-missing':
      return `${failure.tool} is not installed: apt-get install ${failure.debianPackage}`;
    case 'interrupted':
      return `stopped during ${failure.step}; run again to go on from there`;
  }
}

function describeMismatch(at: { file: string; hunk: number; line: number; expected: string; found: string }): string {
  return `${at.file}, hunk ${at.hunk}, line ${at.line}: expected "${at.expected}", found "${at.found}"`;
}
