// SPDX-License-Identifier: GPL-2.0-only
import { visibleLine } from '@lockstep/domain/visible-text';
import Table from 'cli-table3';

const noLines = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
};

/** Columns under upper-case heads, a line for each row, no colours: made for eyes and for awk. `empty` where there is no row. */
export function table(head: readonly string[], rows: readonly (readonly string[])[], empty: string): string {
  if (rows.length === 0) return empty;
  const drawn = new Table({ chars: noLines, style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] } });
  drawn.push([...head], ...rows.map((row) => row.map(visibleLine)));
  return trimLines(drawn.toString());
}

/** `name: value` lines; the values of one block start in one column, and all their lines: none passes for a name. */
export function fields(pairs: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...pairs.map(([name]) => name.length)) + 1;
  const indented = (value: string): string => value.replaceAll('\n', `\n${' '.repeat(width + 1)}`);
  return pairs.map(([name, value]) => trimLines(`${`${name}:`.padEnd(width)} ${indented(value)}`)).join('\n');
}

const trimLines = (text: string): string => text.replace(/ +$/gm, '');

/** The start of a long hash, enough to tell and to type. */
export const shortId = (id: string): string => id.slice(0, 12);

export const showTime = (time: Date | undefined): string =>
  time === undefined
    ? '-'
    : time
        .toISOString()
        .replace('T', ' ')
        .replace(/\.\d+Z$/, 'Z');
