// SPDX-License-Identifier: GPL-2.0-only
import { visibleLine } from '@lockstep/domain/visible-text';

/** Text that stands for itself: no cell ends in it, nothing in it is a link, a tag or a picture. */
export const markdownText = (text: string): string => visibleLine(text).replace(/[\\`*_[\]<>|#]/g, '\\$&');

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** `empty` where there is no row. */
export function markdownTable(heads: readonly string[], rows: readonly (readonly string[])[], empty: string): string {
  if (rows.length === 0) return empty;
  return [line(heads), line(heads.map(() => '---')), ...rows.map((row) => line(row.map(markdownText)))].join('\n');
}

/** `- **Name:** value` for each. */
export const markdownFields = (pairs: readonly (readonly [name: string, value: string])[]): string =>
  pairs.map(([name, value]) => `- **${name}:** ${markdownText(value)}`).join('\n');
