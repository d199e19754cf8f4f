// SPDX-License-Identifier: GPL-2.0-only

/** What a table of words has for a text from an address; not what every object has, as `toString`. */
export const ownValue = <Value>(table: Readonly<Record<string, Value>>, text: string): Value | undefined =>
  Object.hasOwn(table, text) ? table[text] : undefined;
