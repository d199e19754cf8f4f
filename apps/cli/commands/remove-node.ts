// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { nodeDocument } from '../views/node-view';

export const removeNode = (cli: Cli): Command =>
  leafCommand('remove', 'take a node out for good: its certificate ends, no rollout waits for it')
    .argument('<node>', 'name')
    .addHelpText('after', '\nWhat its kernel holds stays until it reboots. The name may join again (node join).')
    .action((name: string, options: LeafOptions) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { node } = await fleet.removeNode({ name }, { signal });
        const document = { node: node === undefined ? null : nodeDocument(node) };
        return { document, text: `Removed ${name}. To come back it joins again: lockstep node join.` };
      }),
    );
