// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';

export const repairDrift = (cli: Cli): Command =>
  leafCommand('repair', 'have a node unload the livepatches that no entry loads; then it goes on to its position')
    .argument('<node>', 'name')
    .action((name: string, options: LeafOptions) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { modules } = await fleet.repairNode({ name }, { signal });
        return {
          document: { node: name, modules },
          text: `${name} was told to unload ${modules.join(', ')}; "drift ls" tells what became of it.`,
        };
      }),
    );
