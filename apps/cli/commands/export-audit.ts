// SPDX-License-Identifier: GPL-2.0-only
import { open, rm, writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { auditRecordFromWire, checkpointFromWire } from '@lockstep/contracts/wire';
import { counted } from '@lockstep/domain/visible-text';
import { checkpointLine, recordLine } from '../audit-file';
import { leafCommand, wholeNumber, type Cli, type LeafOptions } from '../cli';

interface Options extends LeafOptions {
  readonly after: number;
  readonly keyOut?: string;
}

export const exportAudit = (cli: Cli): Command =>
  leafCommand('export', 'write the audit log into a new file, which `audit verify` checks on any machine')
    .argument('<file>', 'a record or checkpoint as JSON on each line')
    .option('--after <record>', 'only what follows this record', wholeNumber, 0)
    .option('--key-out <file>', 'also write the public key that signs checkpoints: keep it apart from the log')
    .action((file: string, { after, keyOut, ...options }: Options) =>
      cli.run(options, async ({ audit, signal }) => {
        const out = await open(file, 'wx', 0o600);
        let records = 0;
        try {
          for await (const part of audit.readAudit({ afterSeq: after, last: 0, follow: false }, { signal })) {
            const lines = [
              ...part.records.map((each) => recordLine(auditRecordFromWire(each))),
              ...part.checkpoints.map((each) => checkpointLine(checkpointFromWire(each))),
            ];
            await out.write(lines.join(''));
            records += part.records.length;
            if (keyOut !== undefined && part.logPublicKey !== '') await writeFile(keyOut, part.logPublicKey);
          }
          await out.sync();
        } catch (error) {
          // Half a log would stand in the way of the next try, and pass for a whole one that ends early.
          await rm(file, { force: true });
          throw error;
        } finally {
          await out.close();
        }
        return { document: { file, records }, text: `${counted(records, 'record')} in ${file}.` };
      }),
    );
