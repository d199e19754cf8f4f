// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { Consistency } from '@lockstep/contracts/generated';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { consistencyOption } from '../consistency-option';
import { toDocument } from '../document';

export const createCluster = (cli: Cli): Command =>
  leafCommand('create', 'make a cluster: nodes that must be identical')
    .argument('<cluster>', 'name')
    .option(...consistencyOption('each kernel its own way, per task'))
    .action((name: string, options: LeafOptions & { readonly consistency?: Consistency }) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { consistency = Consistency.CONSISTENCY_UNSPECIFIED } = options;
        const { cluster } = await fleet.createCluster({ name, consistency }, { signal });
        return { document: toDocument(cluster), text: `Cluster ${name} is there; let nodes join with "node join".` };
      }),
    );
