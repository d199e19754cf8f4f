// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { nodeDocument, nodeText } from '../views/node-view';

export const showNode = (cli: Cli): Command =>
  viewCommand('show', 'show a node: its kernel, position and livepatches')
    .argument('<node>', 'name')
    .action((name: string, options: LeafOptions) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { node } = await fleet.getNode({ name }, { signal });
        if (node === undefined)
          throw new LockstepError('not-found', 'unknown-node', `There is no node ${name}.`, { name });
        return { document: nodeDocument(node), text: nodeText(node), names: [node.name] };
      }),
    );
