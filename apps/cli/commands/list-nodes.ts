// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { nodeDocument, nodeTable } from '../views/node-view';

interface Options extends LeafOptions {
  readonly cluster?: string;
}

export const listNodes = (cli: Cli): Command =>
  leafCommand('ls', 'list nodes')
    .option('--cluster <cluster>', 'only of this cluster')
    .action(({ cluster = '', ...options }: Options) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { nodes } = await fleet.listNodes({ cluster }, { signal });
        return { document: { nodes: nodes.map(nodeDocument) }, text: nodeTable(nodes) };
      }),
    );
