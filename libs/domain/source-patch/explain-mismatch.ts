// SPDX-License-Identifier: GPL-2.0-only
import type { LockstepError } from '@lockstep/domain/livepatch-model';
import { sourcePatchError, type Mismatch } from './failure';
import { lineText, sideOf, type SoughtHunk } from './hunk-places';
import type { Hunk } from './hunks';

export const endOfFile = 'the end of the file';

export const withoutNewline = (line: string): string => line.replace(/\n$/, '');

/** @param where `expected` and `found` in latin1 */
export function mismatch(where: Omit<Mismatch, 'advice'> & Partial<Mismatch>): LockstepError {
  const [expected, found] = [latin1ToText(where.expected), latin1ToText(where.found)];
  const isLost = expected === found && where.expected !== where.found;
  return sourcePatchError({
    kind: 'diff-does-not-apply',
    advice: '',
    ...where,
    // Bytes that are no UTF-8 all look the same.
    expected: isLost ? withBytesShown(where.expected) : expected,
    found: isLost ? withBytesShown(where.found) : found,
  });
}

/** Back from bytes-as-latin1 to what a person reads. */
function latin1ToText(text: string): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(
    Uint8Array.from(text, (character) => character.charCodeAt(0)),
  );
}

const withBytesShown = (latin1: string): string =>
  latin1.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`);

export interface Unplaced {
  readonly file: string;
  /** 1-based. */
  readonly hunk: number;
  readonly sought: SoughtHunk;
  readonly after: Hunk;
  /** 0-based: where it may begin, and where it should. */
  readonly from: number;
  readonly expectedAt: number;
}

/** How many stale lines are offered to the author. */
export const maxFuzz = 3;

/**
 * Shows the first line that differs: where the author may let it in with fuzz, or else at the place where most of the
 * hunk's first lines match, by default its own.
 */
export function explainMismatch({ file, hunk, sought, after, from, expectedAt }: Unplaced): LockstepError {
  if (sought.isAppliedAt(expectedAt, sideOf(after, 'added').map(lineText))) {
    return differing({ file, hunk, sought, at: expectedAt, advice: 'This tree has already what the hunk makes of it' });
  }
  const places = sought.stalePlacesFrom(from, maxFuzz);
  const [place] = places;
  if (place !== undefined && places.length === 1) {
    const fuzz = place.stale.length;
    const lines = fuzz === 1 ? 'one line' : `${fuzz} lines`;
    const advice = `It fits at line ${Math.max(place.at, 0) + 1} but for ${lines} of context: if that is the place, say so with --fuzz ${fuzz}`;
    return differing({ file, hunk, sought, at: place.at, advice });
  }
  return differing({ file, hunk, sought, at: sought.likeliestPlace(expectedAt), advice: '' });
}

interface Differing extends Pick<Unplaced, 'file' | 'hunk' | 'sought'> {
  readonly at: number;
  readonly advice: string;
}

function differing({ file, hunk, sought, at, advice }: Differing): LockstepError {
  const { line, expected, found } = sought.firstDifferenceAt(at);
  const shown = describeLines(expected, found, line < 0);
  return mismatch({ file, hunk, line: line + 1, ...shown, advice });
}

/** A line that is not there is the end of the file, on either side, or what would stand before its first line. */
export function describeLines(
  expected: string | undefined,
  found: string | undefined,
  isBeforeFile: boolean,
): Pick<Mismatch, 'expected' | 'found'> {
  const isSameText =
    found !== undefined && expected !== undefined && withoutNewline(found) === withoutNewline(expected);
  const show = (text: string | undefined): string => {
    if (text === undefined) return isBeforeFile ? 'the beginning of the file' : endOfFile;
    return withoutNewline(text) + (isSameText && !text.endsWith('\n') ? ' (no newline at end of file)' : '');
  };
  return { expected: show(expected), found: show(found) };
}
