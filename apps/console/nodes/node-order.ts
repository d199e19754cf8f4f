// SPDX-License-Identifier: GPL-2.0-only

/** Columns that the control plane sorts by, and its word for each. */
const words = {
  name: 'name',
  state: 'status',
  position: 'position',
  cluster: 'cluster',
  kernel: 'kernel',
  agent: 'agent',
  heard: 'last_seen',
} as const;

export type SortedColumn = keyof typeof words;

export interface NodeOrder {
  readonly column: SortedColumn;
  readonly isDescending: boolean;
}

export const isSorted = (column: string): column is SortedColumn => Object.hasOwn(words, column);

/** As it stands in the address: `state`, `-heard`; what is none is by name. */
export function orderOf(text: string): NodeOrder {
  const isDescending = text.startsWith('-');
  const column = isDescending ? text.slice(1) : text;
  return isSorted(column) ? { column, isDescending } : { column: 'name', isDescending: false };
}

/** As the API takes it; undefined where it is the one that it has by itself. */
export const orderBy = ({ column, isDescending }: NodeOrder): string | undefined =>
  column === 'name' && !isDescending ? undefined : `${words[column]}${isDescending ? ' desc' : ''}`;

/** What choosing a column leads to, for the address: the same one again turns it round. */
export function chosenOrder(column: SortedColumn, { column: now, isDescending }: NodeOrder): string {
  if (column === now && !isDescending) return `-${column}`;
  return column === 'name' ? '' : column;
}
