// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { Priority } from '@lockstep/contracts/generated';
import { collect, leafCommand, type Cli, type LeafOptions } from '../cli';
import { kernelBuildOption, resolveKernelBuild } from '../resolve-kernel-build';
import { answerSubmission, priorityOption } from '../answer-submission';
import { reproduceOption } from '../reproduce-option';

interface Options extends LeafOptions {
  readonly name: string;
  readonly description?: string;
  readonly author?: string;
  readonly kernelBuild?: readonly string[];
  readonly priority?: Priority;
  readonly wait?: boolean;
  readonly reproduce?: boolean;
}

export const combinePatches = (cli: Cli): Command =>
  leafCommand('combine', 'make one cumulative patch of several, that takes the place of a whole stack')
    .argument('<patches...>', 'names or ids, in the order in which their diffs are applied')
    .requiredOption('--name <name>', 'name of the new patch')
    .option('--description <text>', 'what it does')
    .option('--author <author>', 'who wrote it')
    .option(kernelBuildOption[0], 'build for this kernel build only; may be given again', collect)
    .option(...priorityOption)
    .option(...reproduceOption)
    .option('--wait', 'follow the builds to their end')
    .action((patches: string[], { name, description = '', author = '', ...options }: Options) =>
      cli.run(options, async (context) => {
        const kernelBuildIds: string[] = [];
        for (const given of options.kernelBuild ?? []) kernelBuildIds.push(await resolveKernelBuild(context, given));
        const priority = options.priority ?? Priority.PRIORITY_NORMAL;
        const combined = await context.build.combinePatches(
          { name, patches, description, author, kernelBuildIds, priority, reproduce: options.reproduce ?? false },
          { signal: context.signal },
        );
        return answerSubmission(context, combined, options.wait === true);
      }),
    );
