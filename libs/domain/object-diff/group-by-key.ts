// SPDX-License-Identifier: GPL-2.0-only

/** Rows of a table, grouped by a key. */
export class RowGroups {
  constructor(
    private readonly rows: Uint32Array,
    /** By key: where its rows begin in `rows`; those of the next key follow. */
    private readonly starts: Uint32Array,
  ) {}

  count(key: number): number {
    return (this.starts[key + 1] as number) - (this.starts[key] as number);
  }

  /** Row number `rank` of those that have the key. */
  row(key: number, rank: number): number {
    return this.rows[(this.starts[key] as number) + rank] as number;
  }

  /** The rows that have the key, rising. */
  rowsOf(key: number): Uint32Array {
    return this.rows.subarray(this.starts[key], this.starts[key + 1]);
  }
}

/** Groups rows by `keys`, each in `[1, keyCount)`; 0 leaves a row out. Linear. */
export function groupByKey(keys: Uint32Array, keyCount: number): RowGroups {
  const starts = new Uint32Array(keyCount + 1);
  for (let row = 0; row < keys.length; row++) {
    const key = keys[row] as number;
    if (key !== 0) starts[key + 1] = (starts[key + 1] as number) + 1;
  }
  for (let key = 1; key <= keyCount; key++) starts[key] = (starts[key] as number) + (starts[key - 1] as number);
  const next = starts.slice();
  const rows = new Uint32Array(starts[keyCount] as number);
  for (let row = 0; row < keys.length; row++) {
    const key = keys[row] as number;
    if (key === 0) continue;
    const at = next[key] as number;
    rows[at] = row;
    next[key] = at + 1;
  }
  return new RowGroups(rows, starts);
}
