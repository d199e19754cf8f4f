// SPDX-License-Identifier: GPL-2.0-only

/** `1 node`, `2 nodes`. @param many where it is not `one` with an s */
export const counted = (
  count: number,
  one: string,
  many = `${one}s`,
  write: (count: number) => string = String,
): string => `${write(count)} ${count === 1 ? one : many}`;
