// SPDX-License-Identifier: GPL-2.0-only

/** What a spreadsheet takes for the start of a formula, which it would run. */
const formula = /^[=+\-@\t\r]/;

/**
 * A cell as RFC 4180 quotes it. A text that a spreadsheet would run is marked as text by an apostrophe: nodes, patches and
 * kernels have a say in what stands here.
 */
function cell(value: string | number | boolean | null): string {
  const text = String(value ?? '');
  const safe = typeof value === 'string' && formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A line for the heads and one for each row, by the heads. */
export function csv<Head extends string>(
  heads: readonly Head[],
  rows: readonly Readonly<Record<Head, string | number | boolean | null>>[],
): string {
  const lines = rows.map((row) => heads.map((head) => cell(row[head])).join(','));
  return [heads.join(','), ...lines].join('\n');
}
