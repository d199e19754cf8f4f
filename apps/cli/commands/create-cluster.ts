// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';

export const createCluster = (cli: Cli): Command =>
  leafCommand('create', 'make a cluster: nodes that must be identical')
    .argument('<cluster>', 'name')
    .action((name: string, options: LeafOptions) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { cluster } = await fleet.createCluster({ name }, { signal });
        return { document: toDocument(cluster), text: `Cluster ${name} is there; let nodes join with "node join".` };
      }),
    );
