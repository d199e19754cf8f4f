// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { blockingDocument, blockingText } from '../views/transition-view';

export const showBlocking = (cli: Cli): Command =>
  viewCommand('blocking', 'which tasks and functions are in the way of a node’s livepatches')
    .argument('<node>', 'name')
    .action((name: string, options: LeafOptions) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { node } = await fleet.getNode({ name }, { signal });
        if (node === undefined)
          throw new LockstepError('not-found', 'unknown-node', `There is no node ${name}.`, { name });
        return { document: blockingDocument(node), text: blockingText(node) };
      }),
    );
