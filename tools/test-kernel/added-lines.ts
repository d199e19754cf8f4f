// SPDX-License-Identifier: GPL-2.0-only

/** Lines that a patch adds, those that it adds in place of others included. */
export function addedLines(patch: string): number {
  return patch.split('\n').filter((line) => line.startsWith('+') && !line.startsWith('+++ ')).length;
}
