// SPDX-License-Identifier: GPL-2.0-only
import { readFile, writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { openBuildSigner } from '@lockstep/io/certificates';
import type { Cli, LeafOptions } from '../cli';
import { fileFault } from '../file-fault';

interface Options extends Pick<LeafOptions, 'json'> {
  readonly key: string;
}

const readGiven = (file: string): Promise<Buffer> =>
  readFile(file).catch((cause: unknown) => {
    const message = `${file} cannot be read: ${fileFault(cause)}.`;
    throw new LockstepError('invalid-input', 'input-unreadable', message, { file }, { cause });
  });

export const signWithBuildKey = (cli: Cli): Command =>
  new Command('sign')
    .description('vouch for a list of commands that rollouts may have run on nodes (probes.json): writes FILE.sig')
    .argument('<file>', 'the list, as the nodes get it')
    .requiredOption('--key <file>', 'private build key, as `build-key create` made it, or pkcs11:… of one on a token')
    .option('--json', 'print one JSON document')
    .action((file: string, options: Options) =>
      cli.runHere(options, async () => {
        const bytes = await readGiven(file);
        const signer = await openBuildSigner(options.key, async (key) => (await readGiven(key)).toString('utf8'));
        const signed = await signer.sign(bytes);
        const signatureFile = `${file}.sig`;
        await writeFile(signatureFile, signed.subarray(bytes.length)).catch((cause: unknown) => {
          const message = `${signatureFile} cannot be written: ${fileFault(cause)}.`;
          throw new LockstepError('invalid-input', 'output-unwritable', message, { file: signatureFile }, { cause });
        });
        return {
          document: { file, signatureFile },
          text: `${signatureFile}: put it beside ${file} on every node that was given this key (--build-keys)`,
        };
      }),
    );
