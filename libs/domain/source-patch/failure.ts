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
  /** What to do, or why it is so: a sentence without its full stop; empty where nothing is known. */
  readonly advice: string;
}

/** What can be wrong with a diff, or with what it would change. */
export type SourcePatchFailure =
  | { kind: 'diff-syntax'; line: number; reason: string }
  | ({ kind: 'diff-does-not-apply' } & Mismatch)
  /** `lines`: where the hunk would fit, 1-based. */
  | { kind: 'diff-ambiguous'; file: string; hunk: number; lines: readonly string[] }
  /** It adds lines, and no line of the file says where. */
  | { kind: 'diff-without-context'; file: string; hunk: number }
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
    case 'diff-without-context':
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
    case 'diff-without-context':
      return `the diff does not say where it belongs: ${failure.file}, hunk ${failure.hunk}, adds lines and has no line of the file around them (-U0). Make it with context (git diff -U3)`;
    case 'unsupported-change':
      return `${failure.file}: ${failure.reason}`;
  }
}

export function describeMismatch({ file, hunk, line, expected, found, advice }: Mismatch): string {
  const isInvisible = expected !== found && withoutBlanks(expected) === withoutBlanks(found);
  const [left, right] = isInvisible ? [withBlanksShown(expected), withBlanksShown(found)] : [expected, found];
  const what = `${file}, hunk ${hunk}, line ${line}: expected "${left}", found "${right}"`;
  const remarks = [isInvisible ? 'They differ in what is not seen' : '', advice];
  return [what, ...remarks.filter((remark) => remark !== '')].join('. ');
}

/** White space, and what has no width. */
const unseen = /[\s\p{Cc}\p{Cf}]/gu;

const withoutBlanks = (line: string): string => line.replace(unseen, '');

/** A single blank between words can be seen; `\x20{8}` are eight of them. */
const withBlanksShown = (line: string): string =>
  line
    .replace(/(?<! ) {2,}/g, (blanks) => `\\x20{${blanks.length}}`)
    .replace(/^ | $/g, '\\x20')
    .replace(unseen, (character) => {
      if (character === ' ') return character;
      if (character === '\t') return '\\t';
      if (character === '\r') return '\\r';
      const code = (character.codePointAt(0) ?? 0).toString(16);
      return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`;
    });

const shownPlaces = 5;

function describeAmbiguity({ file, hunk, lines }: { file: string; hunk: number; lines: readonly string[] }): string {
  const shown = lines.slice(0, shownPlaces).join(', ') + (lines.length > shownPlaces ? ', …' : '');
  return `the diff does not say where it belongs: in this tree ${file}, hunk ${hunk}, fits at lines ${shown}, and not where it says. Make it from this tree, or with more context (diff -U20)`;
}
