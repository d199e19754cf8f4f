// SPDX-License-Identifier: GPL-2.0-only
import { listAll } from '@lockstep/io/rpc-client';
import type { Command } from 'commander';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { limitOption, type ListOptions } from '../list-options';
import { describeSwitching } from '../switching-options';
import { showTime, table } from '../table';
import { clusterDocument } from '../views/cluster-view';

export const listClusters = (cli: Cli): Command =>
  viewCommand('ls', 'list clusters')
    .addOption(limitOption())
    .action(({ limit, ...options }: LeafOptions & ListOptions) =>
      cli.run(options, async ({ fleet, signal }) => {
        const clusters = await listAll(fleet.listClusters, {}, (answer) => answer.clusters, { signal, limit });
        const rows = clusters.map((cluster) => [cluster.name, showTime(cluster.createdAt), describeSwitching(cluster)]);
        const text = table(['CLUSTER', 'CREATED', 'NEW ENTRIES'], rows, 'No clusters.');
        return { document: { clusters: clusters.map(clusterDocument) }, text, names: clusters.map(({ name }) => name) };
      }),
    );
