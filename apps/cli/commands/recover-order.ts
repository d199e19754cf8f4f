// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { collect, leafCommand, type Cli, type LeafOptions } from '../cli';
import { kernelBuildOption, resolveKernelBuild } from '../resolve-kernel-build';
import { recoveryDocument, recoveryText } from '../views/recovery-view';

interface Options extends LeafOptions {
  readonly cluster: string;
  readonly kernelBuild?: string;
  readonly from?: readonly string[];
}

export const recoverOrder = (cli: Cli): Command =>
  leafCommand('recover', 'take lost entries back from nodes, after a restore from an older backup')
    .requiredOption('--cluster <cluster>', 'whose load order')
    .option(...kernelBuildOption)
    .option('--from <node>', 'listen to this node only; may be given again (default: to all that are ahead)', collect)
    .action(({ cluster, kernelBuild, from = [], ...options }: Options) =>
      cli.run(options, async (context) => {
        const kernelBuildId = await resolveKernelBuild(context, kernelBuild);
        const { fleet, signal } = context;
        const answer = await fleet.recoverOrder({ cluster, kernelBuildId, from: [...from] }, { signal });
        return { document: recoveryDocument(answer), text: recoveryText(answer) };
      }),
    );
