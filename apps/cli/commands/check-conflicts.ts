// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { kernelBuildOption, resolveKernelBuild } from '../resolve-kernel-build';
import { conflictLines, wayOutLines } from '../views/order-view';

interface Options extends LeafOptions {
  readonly cluster: string;
  readonly kernelBuild?: string;
  readonly build?: string;
}

export const checkConflicts = (cli: Cli): Command =>
  leafCommand('conflicts', 'what a patch would conflict with, changing nothing; exit 1 if with anything')
    .argument('<patch>', 'name or id')
    .requiredOption('--cluster <cluster>', 'whose load order')
    .option(...kernelBuildOption)
    .option('--build <id>', 'the build that is meant (default: the one that fits the stack best)')
    .action((patch: string, { cluster, kernelBuild, build: buildId = '', ...options }: Options) =>
      cli.run(options, async (context) => {
        const kernelBuildId = await resolveKernelBuild(context, kernelBuild);
        const answer = await context.fleet.checkConflicts(
          { cluster, patch, kernelBuildId, buildId },
          { signal: context.signal },
        );
        const hasConflicts = answer.waysOut.length > 0 || answer.dropped.length > 0;
        const lines = [...conflictLines(answer), ...wayOutLines(answer)];
        return {
          document: toDocument(answer),
          text: lines.length > 0 ? lines.join('\n') : `${patch} conflicts with nothing in ${cluster}.`,
          hasFailed: hasConflicts,
        };
      }),
    );
