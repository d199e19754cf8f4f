// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import type { Caveat } from '@lockstep/contracts/generated';
import { leafCommand, numberFromOne, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { kernelBuildOption, resolveKernelBuild } from '../resolve-kernel-build';
import { describeEntry } from '../views/order-view';

interface Options extends LeafOptions {
  readonly cluster: string;
  readonly kernelBuild?: string;
}

/** Why nothing is unloaded; none for most. */
const keptLines = (caveats: readonly Caveat[]): string[] =>
  caveats.length === 0
    ? []
    : [
        'Nothing is unloaded: hosts disable it, and its module stays loaded until they boot, for its code may still be called.',
        ...caveats.map(({ message }) => `  ${message}`),
      ];

export const retireEntry = (cli: Cli): Command =>
  leafCommand('retire', 'append an entry that takes a load entry out of the stack')
    .argument('<seq>', 'seq of the load entry', numberFromOne)
    .requiredOption('--cluster <cluster>', 'whose load order')
    .option(...kernelBuildOption)
    .action((seq: number, { cluster, kernelBuild, ...options }: Options) =>
      cli.run(options, async (context) => {
        const { fleet, signal } = context;
        const kernelBuildId = await resolveKernelBuild(context, kernelBuild);
        const { entry, caveats } = await fleet.appendRetire(
          { cluster, kernelBuildId, seq, expectedSeq: 0 },
          { signal },
        );
        return {
          document: { entry: toDocument(entry), caveats: caveats.map(toDocument) },
          text: entry === undefined ? '' : [`Appended: ${describeEntry(entry)}.`, ...keptLines(caveats)].join('\n'),
        };
      }),
    );
