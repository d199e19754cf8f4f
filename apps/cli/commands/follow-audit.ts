// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, wholeNumber, type Cli, type LeafOptions } from '../cli';
import { auditDocument, auditLine } from '../views/audit-view';

interface Options extends LeafOptions {
  readonly after?: number;
}

export const followAudit = (cli: Cli): Command =>
  leafCommand('follow', 'show what is done as it is done, a line each, until interrupted')
    .option('--after <record>', 'begin after this record (default: with what comes now)', wholeNumber)
    .action(({ after, ...options }: Options) =>
      cli.run(options, async ({ audit, signal, screen }) => {
        const request = { afterSeq: after ?? 0, last: after === undefined ? 1 : 0, follow: true };
        for await (const { records } of audit.readAudit(request, { signal })) {
          for (const record of records) {
            screen.print(`${options.json === true ? JSON.stringify(auditDocument(record)) : auditLine(record)}\n`);
          }
        }
        return { document: null, text: '' };
      }),
    );
