// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { kernelBuildOption, resolveKernelBuild } from '../resolve-kernel-build';
import { entryDocument, orderText } from '../views/order-view';

interface Options extends LeafOptions {
  readonly cluster: string;
  readonly kernelBuild?: string;
}

export const showOrder = (cli: Cli): Command =>
  viewCommand('show', 'show the load order, its stack and the functions that patches share')
    .requiredOption('--cluster <cluster>', 'whose')
    .option(...kernelBuildOption)
    .action(({ cluster, kernelBuild, ...options }: Options) =>
      cli.run(options, async (context) => {
        const kernelBuildId = await resolveKernelBuild(context, kernelBuild);
        const order = await context.fleet.getOrder({ cluster, kernelBuildId }, { signal: context.signal });
        return {
          document: { ...(toDocument(order) as object), entries: order.entries.map(entryDocument) },
          text: orderText(order),
        };
      }),
    );
