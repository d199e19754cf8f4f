// SPDX-License-Identifier: GPL-2.0-only

/** Where a text (ASCII) first is among bytes; -1 where it is not. */
export function indexOfText(bytes: Uint8Array, wanted: string): number {
  const first = wanted.charCodeAt(0);
  const matches = (at: number): boolean => {
    for (let index = 1; index < wanted.length; index++)
      if (bytes[at + index] !== wanted.charCodeAt(index)) return false;
    return true;
  };
  for (let at = bytes.indexOf(first); at >= 0; at = bytes.indexOf(first, at + 1)) if (matches(at)) return at;
  return -1;
}
