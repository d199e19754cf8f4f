// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import path from 'node:path';

const folder = path.resolve(__dirname, '../../../../docs/operating/monitoring');
export const rulesFile = path.join(folder, 'lockstep-rules.yml');
const dashboardFile = path.join(folder, 'lockstep-dashboard.json');

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

/** A query, and the labels that are written into its legend or its text. */
export interface WrittenQuery {
  readonly where: string;
  readonly expr: string;
  readonly labels: readonly string[];
}

const namesIn = (text: string, pattern: RegExp): string[] =>
  Array.from(text.matchAll(pattern), ([, names = '']) => names.split(',').map((name) => name.trim())).flat();

/** What the rules and the dashboard ask for. */
export function writtenQueries(): WrittenQuery[] {
  const rules = readFileSync(rulesFile, 'utf8')
    .split(/^ +- alert: /m)
    .slice(1);
  const dashboard = JSON.parse(readFileSync(dashboardFile, 'utf8')) as { panels: Panel[] };
  const written = [
    ...rules.map((rule) => ({
      where: /^\w+/.exec(rule)?.[0] ?? '',
      // Folded where it is long.
      expr: (/^ +expr: (?:>-?\n)?((?:.|\n)*?)\n +(?:for|labels):/m.exec(rule)?.[1] ?? '').replace(/\s+/g, ' '),
      labels: namesIn(rule, /\$labels\.(\w+)/g),
    })),
    ...dashboard.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr, legendFormat }) => ({
        where: title,
        expr,
        labels: namesIn(legendFormat, /\{\{(\w+)\}\}/g),
      })),
    ),
  ];
  return written.map(({ where, expr, labels }) => ({
    where,
    expr: expr.replaceAll('$__rate_interval', '1m').replaceAll('$cluster', '.*'),
    labels: [...labels, ...namesIn(expr, /\bby \(([^)]*)\)/g)],
  }));
}

/** `name{label="value",…}` as it stands in a query. */
export interface Selector {
  readonly name: string;
  readonly matchers: readonly { readonly label: string; readonly values: readonly string[] }[];
}

/** What is selected in a query; of `status=~"a|b"` both. */
export function selectorsOf({ expr }: WrittenQuery): Selector[] {
  return Array.from(expr.matchAll(/\b((?:lockstep|process)_\w+)(?:\{([^}]*)\})?/g), ([, name = '', matchers = '']) => ({
    name,
    matchers: Array.from(matchers.matchAll(/(\w+)=~?"([^"]*)"/g), ([, label = '', values = '']) => ({
      label,
      values: values.split('|'),
    })),
  }));
}
