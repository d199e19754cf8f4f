// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type ErrorKind } from '@lockstep/domain/livepatch-model';

/** Where an old line of a hunk is not what the file holds. */
export interface Mismatch {
  readonly file: string;
  /** 1-based. */
  readonly hunk: number;
  /** 1-based, of the file; 0 where there is no file. */
  readonly line: number;
  readonly expected: string;
  readonly found: string;
}

/** What can be wrong with a diff, or with what it would change. */
export type SourcePatchFailure =
  | { kind: 'diff-syntax'; line: number; reason: string }
  | ({ kind: 'diff-does-not-apply' } & Mismatch)
  /** `lines`: where the hunk would fit, 1-based. */
  | { kind: 'diff-ambiguous'; file: string; hunk: number; lines: readonly string[] }
  | { kind: 'unsupported-change'; file: string; reason: string };

/** A failure as the error every caller knows: `reason` is the failure's kind, `fields` its other members. */
export function sourcePatchError(failure: SourcePatchFailure): LockstepError {
  const { kind, ...fields } = failure;
  return new LockstepError(errorKind(kind), kind, describeFailure(failure), fields);
}

function errorKind(kind: SourcePatchFailure['kind']): ErrorKind {
  switch (kind) {
    case 'diff-syntax':
    case 'diff-does-not-apply':
    case 'diff-ambiguous':
      return 'invalid-input';
    case 'unsupported-change':
      return 'refused';
  }
}

function describeFailure(failure: SourcePatchFailure): string {
  switch (failure.kind) {
    case 'diff-syntax':
      return `the diff cannot be read, line ${failure.line}: ${failure.reason}`;
    case 'diff-does-not-apply':
      return `the diff does not apply: ${describeMismatch(failure)}`;
    case 'diff-ambiguous':
      return describeAmbiguity(failure);
    case 'unsupported-change':
      return `${failure.file}: ${failure.reason}`;
  }
}

export function describeMismatch({ file, hunk, line, expected, found }: Mismatch): string {
  return `${file}, hunk ${hunk}, line ${line}: expected "${expected}", found "${found}"`;
}

const shownPlaces = 5;

function describeAmbiguity({ file, hunk, lines }: { file: string; hunk: number; lines: readonly string[] }): string {
  const shown = lines.slice(0, shownPlaces).join(', ') + (lines.length > shownPlaces ? ', …' : '');
  return `the diff does not say where it belongs: in this tree ${file}, hunk ${hunk}, fits at lines ${shown}, and not where it says. Make it from this tree, or with more context (diff -U20)`;
}
