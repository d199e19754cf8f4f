// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { selectorOption } from '../selector-option';
import { nodeDocument, nodeTable } from '../views/node-view';

interface Options extends LeafOptions {
  readonly cluster?: string;
  readonly selector?: string;
  readonly showLabels?: boolean;
}

export const listNodes = (cli: Cli): Command =>
  leafCommand('ls', 'list nodes')
    .option('--cluster <cluster>', 'only of this cluster')
    .option(...selectorOption)
    .option('--show-labels', 'their labels in a column of its own')
    .action(({ cluster = '', selector = '', showLabels = false, ...options }: Options) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { nodes } = await fleet.listNodes({ cluster, selector }, { signal });
        return { document: { nodes: nodes.map(nodeDocument) }, text: nodeTable(nodes, { showLabels }) };
      }),
    );
