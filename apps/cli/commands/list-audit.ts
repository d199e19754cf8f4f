// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { AuditRecord } from '@lockstep/contracts/generated';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { countReader } from '../list-options';
import { auditDocument, auditTable } from '../views/audit-view';

interface Options extends LeafOptions {
  readonly last: number;
}

export const listAudit = (cli: Cli): Command =>
  leafCommand('ls', 'list who did what, the newest last; that you look is written down too')
    .option('--last <count>', 'how many of the newest', countReader('--last'), 50)
    .action(({ last, ...options }: Options) =>
      cli.run(options, async ({ audit, signal }) => {
        const records: AuditRecord[] = [];
        for await (const part of audit.readAudit({ afterSeq: 0, last, follow: false }, { signal })) {
          records.push(...part.records);
        }
        return {
          document: { records: records.map(auditDocument) },
          text: auditTable(records),
          names: records.map(({ seq }) => String(seq)),
        };
      }),
    );
