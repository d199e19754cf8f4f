// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { collect, leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { kernelBuildOption, resolveKernelBuild } from '../resolve-kernel-build';
import {
  consistencyOption,
  mayInterruptOption,
  stableOption,
  switchingOf,
  timeoutOption,
  type SwitchingOptions,
} from '../switching-options';
import { conflictLines, describeEntry, entryCaveats, entryDocument } from '../views/order-view';

interface Options extends LeafOptions, SwitchingOptions {
  readonly cluster: string;
  readonly override?: readonly string[];
  readonly kernelBuild?: string;
  readonly build?: string;
  readonly mayInterrupt?: boolean;
}

export const appendLoad = (cli: Cli): Command =>
  leafCommand('append', 'append a patch to the load order, above all that is there')
    .argument('<patch>', 'name or id')
    .requiredOption('--cluster <cluster>', 'whose load order')
    .option('--override <patch>', 'patch (name, id or seq) that it may shadow; may be given again', collect)
    .option(...kernelBuildOption)
    .option('--build <id>', 'the build that is meant (default: the one that fits the stack best)')
    .option(...consistencyOption('as the cluster is set'))
    .option(...timeoutOption('as the cluster is set'))
    .option(...stableOption('as the cluster is set'))
    .option(...mayInterruptOption)
    .action(
      (
        patch: string,
        { cluster, override = [], kernelBuild, build: wantedBuild = '', mayInterrupt = false, ...options }: Options,
      ) =>
        cli.run(options, async (context) => {
          const { fleet, screen, signal } = context;
          const wanted = await resolveKernelBuild(context, kernelBuild);
          // What is shown is what is appended: the entry gets the seq after the head that was looked at, or none.
          const order = await fleet.getOrder({ cluster, kernelBuildId: wanted }, { signal });
          const { kernelBuildId } = order;
          const wish = { cluster, patch, kernelBuildId };
          const check = await fleet.checkConflicts({ ...wish, buildId: wantedBuild }, { signal });
          const { buildId } = check;
          if (override.length > 0) for (const line of conflictLines(check)) screen.say(line);
          const expectedSeq = order.entries.length + 1;
          const how = { buildId, overrides: [...override], expectedSeq, mayInterrupt, ...switchingOf(options) };
          const { entry } = await fleet.appendLoad({ ...wish, ...how }, { signal });
          return {
            document: { entry: entryDocument(entry), ...(toDocument(check) as object) },
            text: entry === undefined ? '' : [`Appended: ${describeEntry(entry)}.`, ...entryCaveats(entry)].join('\n'),
          };
        }),
    );
