// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Command } from 'commander';
import { Priority } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { allowedTypeChangesOf, allowTypeChangeOption, becauseOption } from '../allowed-type-changes';
import { collect, leafCommand, numberFromOne, type Cli, type LeafOptions } from '../cli';
import { buildChangesOption } from '../build-changes-option';
import { fuzzOption } from '../fuzz-option';
import { kernelBuildOption, resolveKernelBuild } from '../resolve-kernel-build';
import { answerSubmission, priorityOption } from '../answer-submission';
import { reproduceOption } from '../reproduce-option';
import { fileFault } from '../file-fault';

interface Options extends LeafOptions {
  readonly name?: string;
  readonly description?: string;
  readonly author?: string;
  readonly cve?: readonly string[];
  readonly kernelBuild?: readonly string[];
  readonly priority?: Priority;
  readonly onto?: number;
  readonly cluster?: string;
  readonly wait?: boolean;
  readonly reproduce?: boolean;
  readonly allowTypeChange?: readonly string[];
  readonly because?: string;
  readonly fuzz?: number;
  readonly allowBuildChanges?: boolean;
}

function readDiff(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    const message = `The diff ${file} cannot be read: ${fileFault(error)}.`;
    throw new LockstepError('invalid-input', 'usage', message, { file }, { cause: error });
  }
}

/** The stack that a build is to go over. */
function ontoOf(seq: number | undefined, cluster: string | undefined, kernelBuildId: string) {
  if (seq === undefined) return undefined;
  if (cluster !== undefined) return { cluster, kernelBuildId, seq };
  throw new LockstepError('invalid-input', 'usage', '--onto needs --cluster: whose load order it is a seq of.');
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
    .option('--onto <seq>', 'build it on the sources of the stack at this seq of a load order', numberFromOne)
    .option('--cluster <cluster>', 'whose load order --onto means')
    .option(...allowTypeChangeOption)
    .option(...becauseOption)
    .option(...fuzzOption)
    .option(...buildChangesOption)
    .option(...reproduceOption)
    .option(...priorityOption)
    .option('--wait', 'follow the builds to their end')
    .action((file: string, { name = nameOf(file), description = '', author = '', cve = [], ...options }: Options) =>
      cli.run(options, async (context) => {
        const diff = readDiff(file);
        const kernelBuildIds: string[] = [];
        for (const given of options.kernelBuild ?? []) kernelBuildIds.push(await resolveKernelBuild(context, given));
        const onto = ontoOf(options.onto, options.cluster, kernelBuildIds[0] ?? '');
        const priority = options.priority ?? Priority.PRIORITY_NORMAL;
        const allowed = allowedTypeChangesOf(options);
        const allowedTypeChanges = allowed && { ...allowed, types: [...allowed.types] };
        const mayChangeBuild = options.allowBuildChanges ?? false;
        const words = {
          allowedTypeChanges,
          fuzz: options.fuzz ?? 0,
          mayChangeBuild,
          reproduce: options.reproduce ?? false,
        };
        const submitted = await context.build.submitPatch(
          { name, diff, description, author, cves: [...cve], kernelBuildIds, priority, onto, ...words },
          { signal: context.signal },
        );
        return answerSubmission(context, submitted, options.wait === true);
      }),
    );
