// SPDX-License-Identifier: GPL-2.0-only
import { readFile, writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { billOfMaterialsOf, provenanceOf, readBuildRecord, type BuildRecord } from '@lockstep/domain/build-record';
import { readBuildSignature, readLivepatchModule, withoutModuleSignature } from '@lockstep/domain/klp-module';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { buildVerifierOf } from '@lockstep/io/certificates';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import type { Cli, LeafOptions } from '../cli';
import { fields } from '../table';
import { showFunctions } from '../views/host-view';
import { fileFault } from '../file-fault';

interface Options extends Pick<LeafOptions, 'json'> {
  readonly buildKeys: string;
  readonly provenance?: string;
  readonly sbom?: string;
}

async function read(file: string): Promise<Buffer> {
  return readFile(file).catch((cause: unknown) => {
    const message = `${file} cannot be read: ${fileFault(cause)}.`;
    throw new LockstepError('invalid-input', 'unreadable-file', message, { file }, { cause });
  });
}

/** @throws LockstepError where the module has no record of its build, or the file cannot be written */
async function writeDocument(to: string | undefined, document: object | null, file: string): Promise<void> {
  if (to === undefined) return;
  if (document === null) {
    const message = `${file} has no record of its build: Lockstep did not build it, or an older version did.`;
    throw new LockstepError('not-found', 'no-build-record', message, { file });
  }
  await writeFile(to, `${JSON.stringify(document, null, 2)}\n`).catch((cause: unknown) => {
    const message = `${to} cannot be written: ${fileFault(cause)}.`;
    throw new LockstepError('unavailable', 'output-unwritable', message, { file: to }, { cause });
  });
}

const listed = (diffs: BuildRecord['diffs']): string =>
  diffs.map(({ name, sha256 }) => `${name} (${sha256})`).join(', ');

function recordFields(record: BuildRecord | null): (readonly [string, string])[] {
  if (record === null) return [['Built from', 'not recorded']];
  const below = record.onto.length === 0 ? [] : [['Onto', listed(record.onto)] as const];
  return [
    ['Built from', listed(record.diffs)],
    ...below,
    ['Compiler', record.compiler],
    ['Builder', `lockstep ${record.builderVersion}`],
    ['Built by', record.reproduced === true ? 'two workers, the same byte for byte' : 'one worker'],
  ];
}

/** What a module is, and whether a build key vouches for it; asks no server. */
export const verifyPatch = (cli: Cli): Command =>
  new Command('verify')
    .description('read a module and check its build signature, without a server; exit 1 if no key vouches for it')
    .argument('<file.ko>', 'the module')
    .requiredOption('--build-keys <file>', 'public build keys (PEM), as agents have them')
    .option('--provenance <file>', 'write what it was built from there: an in-toto statement of SLSA provenance')
    .option('--sbom <file>', 'write its bill of materials there (CycloneDX)')
    .option('--json', 'print one JSON document')
    .action((file: string, { buildKeys, provenance: provenanceFile, sbom: sbomFile, ...options }: Options) =>
      cli.runHere(options, async () => {
        const isSignedBy = buildVerifierOf([(await read(buildKeys)).toString('utf8')]);
        const bytes = await read(file);
        const { module, release, kernelBuild, functions, replace } = readLivepatchModule(bytes, file);
        const isVouchedFor = isSignedBy(bytes);
        const signed = readBuildSignature(bytes);
        const hasSignature = signed !== null;
        const record = readBuildRecord(signed?.content ?? withoutModuleSignature(bytes));
        const sha256 = sha256OfBytes(bytes);
        const provenance = record && provenanceOf(record, sha256);
        const sbom = record && billOfMaterialsOf(record, sha256);
        await writeDocument(provenanceFile, provenance, file);
        await writeDocument(sbomFile, sbom, file);
        const verdict = hasSignature ? 'signed, by none of these keys' : 'not signed';
        const text = fields([
          ['Module', module],
          ['Kernel', `${release ?? 'unknown'} (${kernelBuild ?? 'not said'})`],
          ['Replaces', replace === true ? 'all others' : 'nothing'],
          ['Functions', showFunctions(functions)],
          ['sha256', sha256],
          ...recordFields(record),
          ['Build key', isVouchedFor ? 'signed' : verdict],
        ]);
        const document = {
          file,
          module,
          release,
          kernelBuild,
          functions,
          replace,
          sha256,
          hasSignature,
          isVouchedFor,
          record,
          provenance,
          sbom,
        };
        return { document, text, hasFailed: !isVouchedFor };
      }),
    );
