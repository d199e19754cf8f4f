// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { kernelBuildOption, resolveKernelBuild } from '../resolve-kernel-build';
import { conflictLines } from '../views/order-view';

interface Options extends LeafOptions {
  readonly cluster: string;
  readonly kernelBuild?: string;
}

export const checkConflicts = (cli: Cli): Command =>
  leafCommand('conflicts', 'what a patch would conflict with, changing nothing; exit 1 if with anything')
    .argument('<patch>', 'name or id')
    .requiredOption('--cluster <cluster>', 'whose load order')
    .option(...kernelBuildOption)
    .action((patch: string, { cluster, kernelBuild, ...options }: Options) =>
      cli.run(options, async (context) => {
        const kernelBuildId = await resolveKernelBuild(context, kernelBuild);
        const answer = await context.fleet.checkConflicts(
          { cluster, patch, kernelBuildId },
          { signal: context.signal },
        );
        const hasConflicts = answer.conflicts.length > 0;
        return {
          document: toDocument(answer),
          text: hasConflicts ? conflictLines(answer).join('\n') : `${patch} conflicts with nothing in ${cluster}.`,
          hasFailed: hasConflicts,
        };
      }),
    );
