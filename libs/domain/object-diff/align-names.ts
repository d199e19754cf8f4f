// SPDX-License-Identifier: GPL-2.0-only
import type { StringTable } from '@lockstep/domain/elf';

/** Rows `[start, end)` of a table, in order, with a name each; those without (`isNamed` false) are passed over. */
export interface NamedRows {
  readonly start: number;
  readonly end: number;
  readonly strings: StringTable;
  readonly nameOffset: (row: number) => number;
  readonly isNamed: (row: number) => boolean;
}

/** How many rows may have come or gone in one place before it is looked for by name. */
const maxLookAhead = 64;

/**
 * Pairs the rows of two tables by name, in order: `pairs[row of a] = row of b`. Quick where the tables are nearly the
 * same, since names are compared where they lie; near-linear in any case.
 * @returns whether each row has its pair
 */
export function alignNames(pairs: Uint32Array, a: NamedRows, b: NamedRows): boolean {
  let complete = true;
  let [left, right] = [nextNamed(a, a.start), nextNamed(b, b.start)];
  while (left < a.end && right < b.end) {
    if (!sameName(a, left, b, right)) {
      complete = false;
      const found = resynchronise(a, left, b, right);
      if (found === null) {
        pairRest(pairs, a, left, b, right);
        return false;
      }
      [left, right] = found;
    }
    pairs[left] = right;
    [left, right] = [nextNamed(a, left + 1), nextNamed(b, right + 1)];
  }
  return complete && left >= a.end && right >= b.end;
}

function nextNamed(rows: NamedRows, from: number): number {
  let row = from;
  while (row < rows.end && !rows.isNamed(row)) row++;
  return row;
}

function sameName(a: NamedRows, left: number, b: NamedRows, right: number): boolean {
  return a.strings.equals(a.nameOffset(left), b.strings, b.nameOffset(right));
}

/** The nearest rows from which on the names are the same again, if one side only has rows that the other lacks. */
function resynchronise(a: NamedRows, left: number, b: NamedRows, right: number): [number, number] | null {
  let [skippedLeft, skippedRight] = [left, right];
  for (let step = 0; step < maxLookAhead; step++) {
    skippedRight = nextNamed(b, skippedRight + 1);
    if (skippedRight < b.end && sameName(a, left, b, skippedRight)) return [left, skippedRight];
    skippedLeft = nextNamed(a, skippedLeft + 1);
    if (skippedLeft < a.end && sameName(a, skippedLeft, b, right)) return [skippedLeft, right];
  }
  return null;
}

function pairRest(pairs: Uint32Array, a: NamedRows, left: number, b: NamedRows, right: number): void {
  const others = rowsByName({ ...b, start: right });
  for (const [name, rows] of rowsByName({ ...a, start: left })) {
    const twins = others.get(name);
    rows.forEach((row, rank) => (pairs[row] = twins?.[rank] ?? 0));
  }
}

/** Rows by name, in order. */
export function rowsByName(rows: NamedRows): Map<string, number[]> {
  const groups = new Map<string, number[]>();
  for (let row = nextNamed(rows, rows.start); row < rows.end; row = nextNamed(rows, row + 1)) {
    const name = rows.strings.text(rows.nameOffset(row));
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return groups;
}
