// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { auditRecordFromWire, checkpointFromWire } from '@lockstep/contracts/wire';
import { AuditCheck, type AuditVerdict } from '@lockstep/domain/audit';
import { LockstepError, parseSha256, type Sha256 } from '@lockstep/domain/livepatch-model';
import { createLogVerifier } from '@lockstep/io/certificates';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { checkFile } from '../audit-file';
import { leafCommand, type Answer, type Cli, type LeafOptions, type TaskContext } from '../cli';
import { verdictText } from '../views/audit-view';

interface Known {
  readonly seq: number;
  readonly hash: Sha256;
}

interface Options extends LeafOptions {
  readonly file?: string;
  readonly key?: string;
  readonly after?: Known;
}

/** `40:9f86d0…`, as `audit verify` tells the last record. @throws LockstepError `usage`. */
function readKnown(text: string): Known {
  const [, seq, hash] = /^#?(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq !== undefined && hash !== undefined) return { seq: Number(seq), hash: parseSha256(hash) };
  const message = `"${text}" is no record: write its number and its hash, as in 40:9f86….`;
  throw new LockstepError('invalid-input', 'usage', message, { text });
}

const checkWith = (publicKeyPem: string, after: Known | undefined): AuditCheck =>
  new AuditCheck({ hash: sha256OfBytes, verify: createLogVerifier(publicKeyPem) }, after);

const answerOf = (verdict: AuditVerdict): Answer => ({
  document: { ...verdict, whole: verdict.faults.length === 0 },
  text: verdictText(verdict),
  hasFailed: verdict.faults.length > 0,
});

async function checkExport(file: string, { key, after }: Options): Promise<AuditVerdict> {
  if (key === undefined) {
    const message =
      'An export is checked with the key that signed it: name it with --key (audit export --key-out wrote it).';
    throw new LockstepError('invalid-input', 'usage', message);
  }
  const check = checkWith(await readFile(key, 'utf8'), after);
  await checkFile(file, check);
  return check.end();
}

/** With the key that was kept, or with the word of the server that it is this one. */
async function checkServer({ audit, signal }: TaskContext, { key, after }: Options): Promise<AuditVerdict> {
  let check = key === undefined ? undefined : checkWith(await readFile(key, 'utf8'), after);
  for await (const part of audit.readAudit({ afterSeq: after?.seq ?? 0, last: 0, follow: false }, { signal })) {
    check ??= checkWith(part.logPublicKey, after);
    for (const record of part.records) check.take(auditRecordFromWire(record));
    for (const checkpoint of part.checkpoints) check.takeCheckpoint(checkpointFromWire(checkpoint));
  }
  if (check === undefined)
    throw new LockstepError('corrupt', 'empty-answer', 'The control plane told nothing of its audit log.');
  return check.end();
}

export const verifyAudit = (cli: Cli): Command =>
  leafCommand('verify', 'check that no record was edited, taken out, moved or cut off; exit 1 if one was')
    .option('--file <file>', 'an export, without any server')
    .option('--key <file>', 'public key that signs checkpoints; without it the server is asked for it')
    .option('--after <record:hash>', 'go on from a record that was verified before', readKnown)
    .action(async (options: Options) => {
      const { file } = options;
      if (file === undefined) await cli.run(options, async (context) => answerOf(await checkServer(context, options)));
      else await cli.runHere(options, async () => answerOf(await checkExport(file, options)));
    });
