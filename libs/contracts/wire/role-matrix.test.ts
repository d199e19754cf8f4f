// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { roles, verbsOf } from '@lockstep/domain/access';
import { callVerbs } from './call-verbs';

const page = path.resolve(__dirname, '../../../docs/operating/roles.md');

/** `| GetOrder | look | yes | … |`, as Markdown formatters write it. */
function drawn(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const [head, ...body] = rows.map(line);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [head, rule, ...body].join('\n');
}

const matrix = drawn([
  ['call', 'does', ...roles],
  ...[...callVerbs].map(([path, verb]) => {
    const [, service = '', call = ''] = /\.(\w+?)(?:Service)?\/(\w+)$/.exec(path) ?? [];
    return [`${service} ${call}`, verb, ...roles.map((role) => (verbsOf[role].includes(verb) ? 'yes' : ''))];
  }),
]);

test('the manual says what every role may, call by call, as the code has it', () => {
  // What the manual is to say is in the failure's message: copy it from there.
  expect(readFileSync(page, 'utf8')).toContain(matrix);
});
