// SPDX-License-Identifier: GPL-2.0-only

/** Lines that a patch adds to files that exist, those that it adds in place of others included. New files are not counted. */
export function addedLines(patch: string): number {
  return patch
    .split(/^(?=--- .*\n\+\+\+ )/m)
    .filter((file) => /^--- (?!\/dev\/null\s)/.test(file))
    .flatMap((file) => file.split('\n').slice(2))
    .filter((line) => line.startsWith('+')).length;
}
