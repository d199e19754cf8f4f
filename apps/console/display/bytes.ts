// SPDX-License-Identifier: GPL-2.0-only

const units = ['B', 'KB', 'MB', 'GB', 'TB'] as const;
const step = 1_000;

/** A size as people say it: three digits at most, and a unit. */
export function byteWords(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= step && unit < units.length - 1) {
    size /= step;
    unit += 1;
  }
  return `${unit === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[unit] ?? ''}`;
}
