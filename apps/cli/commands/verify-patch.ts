// SPDX-License-Identifier: GPL-2.0-only
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { readBuildSignature, readLivepatchModule } from '@lockstep/domain/klp-module';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { buildVerifierOf } from '@lockstep/io/certificates';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import type { Cli, LeafOptions } from '../cli';
import { fields } from '../table';
import { showFunctions } from '../views/host-view';

interface Options extends Pick<LeafOptions, 'json'> {
  readonly buildKeys: string;
}

async function read(file: string): Promise<Buffer> {
  return readFile(file).catch((cause: unknown) => {
    const message = `${file} cannot be read: ${(cause as Error).message}`;
    throw new LockstepError('invalid-input', 'unreadable-file', message, { file }, { cause });
  });
}

/** What a module is, and whether a build key vouches for it; asks no server. */
export const verifyPatch = (cli: Cli): Command =>
  new Command('verify')
    .description('read a module and check its build signature, without a server; exit 1 if no key vouches for it')
    .argument('<file.ko>', 'the module')
    .requiredOption('--build-keys <file>', 'public build keys (PEM), as agents have them')
    .option('--json', 'print one JSON document')
    .action((file: string, { buildKeys, ...options }: Options) =>
      cli.runHere(options, async () => {
        const isSignedBy = buildVerifierOf([(await read(buildKeys)).toString('utf8')]);
        const bytes = await read(file);
        const { module, release, kernelBuild, functions, replace } = readLivepatchModule(bytes, file);
        const isVouchedFor = isSignedBy(bytes);
        const hasSignature = readBuildSignature(bytes) !== null;
        const sha256 = sha256OfBytes(bytes);
        const verdict = hasSignature ? 'signed, by none of these keys' : 'not signed';
        const text = fields([
          ['Module', module],
          ['Kernel', `${release ?? 'unknown'} (${kernelBuild ?? 'not said'})`],
          ['Replaces', replace === true ? 'all others' : 'nothing'],
          ['Functions', showFunctions(functions)],
          ['sha256', sha256],
          ['Build key', isVouchedFor ? 'signed' : verdict],
        ]);
        const document = { file, module, release, kernelBuild, functions, replace, sha256, hasSignature, isVouchedFor };
        return { document, text, hasFailed: !isVouchedFor };
      }),
    );
