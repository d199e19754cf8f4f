// SPDX-License-Identifier: GPL-2.0-only

/** Where the first of the sorted names is that comes after this one; their number: none does. */
export function firstAfter(names: readonly string[], after: string | undefined): number {
  if (after === undefined) return 0;
  let [low, high] = [0, names.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((names[middle] ?? '') > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
