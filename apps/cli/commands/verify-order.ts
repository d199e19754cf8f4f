// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { GetOrderResponse } from '@lockstep/contracts/generated';
import { entryFromWire, headFromWire } from '@lockstep/contracts/wire';
import { LockstepError, parseClusterName, parseKernelBuildId, parseSeq } from '@lockstep/domain/livepatch-model';
import {
  explainHeadRefusal,
  extendLog,
  hasExpired,
  headHash,
  keysOf,
  refuseHead,
  type HeadContext,
} from '@lockstep/domain/load-order';
import { explainExtensionRefusal } from '@lockstep/domain/node-state';
import { counted } from '@lockstep/domain/visible-text';
import { logChecksOf } from '@lockstep/io/certificates';
import { leafCommand, type Answer, type Cli, type LeafOptions } from '../cli';
import { kernelBuildOption, resolveKernelBuild } from '../resolve-kernel-build';
import { keyDigest } from '../views/order-view';

interface Options extends LeafOptions {
  readonly cluster: string;
  readonly kernelBuild?: string;
  readonly key?: string;
}

/** What is wrong with the head that agents are told; undefined where there is nothing. */
function headFault(order: GetOrderResponse, known: HeadContext, firstKeyPem: string): string | undefined {
  if (order.signedHead === undefined) return undefined;
  const head = headFromWire(order.signedHead);
  const nowMs = Date.now();
  const refusal = refuseHead(known, head, logChecksOf(firstKeyPem), nowMs);
  if (refusal !== undefined) return explainHeadRefusal(refusal);
  return hasExpired(head, nowMs) ? 'The head that agents are told has expired.' : undefined;
}

/** The walk from the first key to the last, as every agent goes it. */
function verify(order: GetOrderResponse, firstKeyPem: string): Answer {
  const log = { cluster: parseClusterName(order.cluster), kernelBuild: parseKernelBuildId(order.kernelBuildId) };
  const extension = extendLog(log, [], order.entries.map(entryFromWire), logChecksOf(firstKeyPem));
  if (extension.kind === 'refused') {
    const { refusal } = extension;
    const said = { whole: false, reason: refusal.reason, seq: 'seq' in refusal ? refusal.seq : refusal.received };
    return { document: said, text: explainExtensionRefusal(refusal), hasFailed: true };
  }
  const { entries } = extension;
  const fault = headFault(order, { log, entries }, firstKeyPem);
  if (fault !== undefined) return { document: { whole: false, reason: fault }, text: fault, hasFailed: true };
  const head = { seq: parseSeq(entries.length), hash: headHash(entries) };
  const rotations = entries.filter(({ body }) => body.kind === 'rotate').map(({ seq }) => seq);
  const keys = [firstKeyPem, ...keysOf(entries)].map((key, at) => ({
    sha256: keyDigest(key),
    since: rotations[at - 1] ?? 0,
  }));
  const walked = keys.map(
    ({ sha256, since }) => `  ${sha256}${since === 0 ? ', the first' : `, brought in by #${since}`}`,
  );
  return {
    document: { whole: true, head, keys },
    text: [
      `${counted(entries.length, 'entry', 'entries')}, each chained, signed and by the rules; the head is ${head.hash}.`,
      'Keys:',
      ...walked,
    ].join('\n'),
  };
}

export const verifyOrder = (cli: Cli): Command =>
  leafCommand('verify', 'check every hash, signature, key and rule of a load order; exit 1 if one is broken')
    .requiredOption('--cluster <cluster>', 'whose')
    .option(...kernelBuildOption)
    .option('--key <file>', 'public key that the load order begins with; without it the server is asked for it')
    .action(({ cluster, kernelBuild, key, ...options }: Options) =>
      cli.run(options, async (context) => {
        const { fleet, signal } = context;
        const kernelBuildId = await resolveKernelBuild(context, kernelBuild);
        const order = await fleet.getOrder({ cluster, kernelBuildId }, { signal });
        const first = key === undefined ? order.logPublicKey : await readFile(key, 'utf8');
        if (first !== '') return verify(order, first);
        const message = 'This control plane is an older one and does not tell its key: name a file with --key.';
        throw new LockstepError('invalid-input', 'usage', message);
      }),
    );
