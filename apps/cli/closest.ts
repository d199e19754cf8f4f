// SPDX-License-Identifier: GPL-2.0-only

/** So many letters may be wrong in a name of this length. */
const mostTypos = (length: number): number => Math.min(2, Math.floor(length / 3));

/** How many letters were left out, added, replaced, or swapped with their neighbour. */
function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const at = (up: number, left: number): number => (up === 0 ? row : rows[i - up])?.[j - left] ?? Infinity;
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      row.push(Math.min(at(1, 0) + 1, at(0, 1) + 1, at(1, 1) + same, isSwap ? at(2, 2) + 1 : Infinity));
    }
    rows.push(row);
  }
  return rows.at(-1)?.at(-1) ?? Infinity;
}

/** As many that are equally near are a help. */
const mostMeant = 3;

/** The names that may have been meant: the nearest, and only if they are few. */
export function closestNames(given: string, names: readonly string[]): string[] {
  const near = names
    .filter((name) => Math.abs(name.length - given.length) <= 2)
    .map((name) => ({ name, typos: distance(given, name) }))
    .filter(({ typos }) => typos <= mostTypos(given.length));
  const least = Math.min(...near.map(({ typos }) => typos));
  const nearest = near.filter(({ typos }) => typos === least).map(({ name }) => name);
  return nearest.length <= mostMeant ? nearest : [];
}
