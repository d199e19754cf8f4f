// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import type { Build } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { collect, leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { followBuild, hasFailed } from '../follow-build';
import { kernelBuildOption, resolveKernelBuild } from '../resolve-kernel-build';
import { shortId } from '../table';
import { buildDocument, buildTable, buildText } from '../views/build-view';

interface Options extends LeafOptions {
  readonly name?: string;
  readonly description?: string;
  readonly author?: string;
  readonly cve?: readonly string[];
  readonly kernelBuild?: readonly string[];
  readonly wait?: boolean;
}

function readDiff(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    const message = `The diff ${file} cannot be read: ${(error as Error).message}.`;
    throw new LockstepError('invalid-input', 'usage', message, { file }, { cause: error });
  }
}

/** `fix-meminfo` for `some/where/fix-meminfo.patch`. */
const nameOf = (file: string): string => path.basename(file).replace(/\.(?:patch|diff)$/, '');

export const submitPatch = (cli: Cli): Command =>
  leafCommand('submit', 'store a diff and queue its builds')
    .argument('<file>', 'unified diff, applied with -p1 at the top of the kernel tree; - for standard input')
    .option('--name <name>', 'name of the patch (default: from the file)')
    .option('--description <text>', 'what it does')
    .option('--author <author>', 'who wrote it')
    .option('--cve <id>', 'CVE it fixes; may be given again', collect)
    .option(kernelBuildOption[0], 'build for this kernel build only; may be given again', collect)
    .option('--wait', 'follow the builds to their end')
    .action((file: string, { name = nameOf(file), description = '', author = '', cve = [], ...options }: Options) =>
      cli.run(options, async (context) => {
        const diff = readDiff(file);
        const kernelBuildIds: string[] = [];
        for (const given of options.kernelBuild ?? []) kernelBuildIds.push(await resolveKernelBuild(context, given));
        const submitted = await context.build.submitPatch(
          { name, diff, description, author, cves: [...cve], kernelBuildIds },
          { signal: context.signal },
        );
        const id = submitted.patch?.id ?? '';
        context.screen.say(`Patch ${name} (${shortId(id)})`);
        const builds: Build[] = [];
        for (const build of submitted.builds) {
          builds.push(options.wait === true ? await followBuild(context, build.id) : build);
        }
        const failed = builds.filter(hasFailed);
        return {
          document: { patch: toDocument(submitted.patch), builds: builds.map(buildDocument) },
          text: [buildTable(builds), ...failed.map(buildText)].join('\n\n'),
          hasFailed: failed.length > 0,
        };
      }),
    );
