// SPDX-License-Identifier: GPL-2.0-only

/** A row's place in a list that goes by time: two of one moment go by their ids. */
export interface RowKey {
  readonly at: Date;
  readonly id: string;
}

/** What of a list is asked for: so many rows, after this one; from the first on if undefined. */
export interface PageRange<Key> {
  readonly after: Key | undefined;
  readonly limit: number;
}

/** The rows after that one. The time stands first and alone: PostgreSQL looks it up in the index, and not among all rows. */
export const rowsAfter = (column: string, after: RowKey | undefined): Record<string, unknown> =>
  after === undefined ? {} : { [column]: { gte: after.at }, NOT: { [column]: after.at, id: { lte: after.id } } };
