// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { driftTable } from '../views/drift-view';

export const listDrift = (cli: Cli): Command =>
  viewCommand('ls', 'nodes whose kernels do not hold the stack of their position, and how; exit 1 if there are any')
    .option('--cluster <cluster>', 'only of this cluster')
    .action(({ cluster = '', ...options }: LeafOptions & { readonly cluster?: string }) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { nodes } = await fleet.listDrift({ cluster }, { signal });
        return {
          document: { nodes: nodes.map(toDocument) },
          text: driftTable(nodes),
          names: nodes.map(({ node }) => node),
          hasFailed: nodes.length > 0,
        };
      }),
    );
