// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { describeSwitching } from '../switching-options';
import { showTime, table } from '../table';
import { clusterDocument } from '../views/cluster-view';

export const listClusters = (cli: Cli): Command =>
  leafCommand('ls', 'list clusters').action((options: LeafOptions) =>
    cli.run(options, async ({ fleet, signal }) => {
      const answer = await fleet.listClusters({}, { signal });
      const rows = answer.clusters.map((cluster) => [
        cluster.name,
        showTime(cluster.createdAt),
        describeSwitching(cluster),
      ]);
      const text = table(['CLUSTER', 'CREATED', 'NEW ENTRIES'], rows, 'No clusters.');
      return { document: { clusters: answer.clusters.map(clusterDocument) }, text };
    }),
  );
