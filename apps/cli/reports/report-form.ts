// SPDX-License-Identifier: GPL-2.0-only
import { Option } from 'commander';
import type { Answer, LeafOptions } from '../cli';

const formats = ['markdown', 'csv', 'json'] as const;
export type ReportFormat = (typeof formats)[number];

export interface ReportOptions extends LeafOptions {
  readonly format: ReportFormat;
}

export const formatOption = (): Option =>
  new Option('--format <format>', 'what to write; --json is the same as json').choices(formats).default('markdown');

/** A report in each of its forms; only the one that is asked for is written. */
export interface Report {
  readonly document: unknown;
  readonly markdown: () => string;
  readonly csv: () => string;
}

/** JSON is printed as every command prints it. */
export const asksForJson = ({ format, json }: ReportOptions): boolean => format === 'json' || json === true;

export function reportAnswer({ document, markdown, csv }: Report, format: ReportFormat): Answer {
  return { document, text: format === 'csv' ? csv() : markdown() };
}
