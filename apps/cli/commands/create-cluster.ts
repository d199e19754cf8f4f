// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import {
  agentsStableTime,
  agentsTimeout,
  consistencyOption,
  stableOption,
  switchingOf,
  timeoutOption,
  type SwitchingOptions,
} from '../switching-options';
import { clusterDocument } from '../views/cluster-view';

export const createCluster = (cli: Cli): Command =>
  leafCommand('create', 'make a cluster: nodes that must be identical')
    .argument('<cluster>', 'name')
    .option(...consistencyOption('each kernel its own way, per task'))
    .option(...timeoutOption(agentsTimeout))
    .option(...stableOption(agentsStableTime))
    .action((name: string, options: LeafOptions & SwitchingOptions) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { cluster } = await fleet.createCluster({ name, ...switchingOf(options) }, { signal });
        return {
          document: clusterDocument(cluster),
          text: `Cluster ${name} is there; let nodes join with "node join".`,
        };
      }),
    );
