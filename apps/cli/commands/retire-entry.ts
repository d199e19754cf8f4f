// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, wholeNumber, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { kernelBuildOption, resolveKernelBuild } from '../resolve-kernel-build';
import { describeEntry } from '../views/order-view';

interface Options extends LeafOptions {
  readonly cluster: string;
  readonly kernelBuild?: string;
}

export const retireEntry = (cli: Cli): Command =>
  leafCommand('retire', 'append an entry that takes a load entry out of the stack')
    .argument('<seq>', 'seq of the load entry', wholeNumber)
    .requiredOption('--cluster <cluster>', 'whose load order')
    .option(...kernelBuildOption)
    .action((seq: number, { cluster, kernelBuild, ...options }: Options) =>
      cli.run(options, async (context) => {
        const { fleet, signal } = context;
        const kernelBuildId = await resolveKernelBuild(context, kernelBuild);
        const { entry } = await fleet.appendRetire({ cluster, kernelBuildId, seq, expectedSeq: 0 }, { signal });
        return {
          document: { entry: toDocument(entry) },
          text: entry === undefined ? '' : `Appended: ${describeEntry(entry)}.`,
        };
      }),
    );
