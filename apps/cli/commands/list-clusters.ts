// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { leafCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { showTime, table } from '../table';

export const listClusters = (cli: Cli): Command =>
  leafCommand('ls', 'list clusters').action((options: LeafOptions) =>
    cli.run(options, async ({ fleet, signal }) => {
      const answer = await fleet.listClusters({}, { signal });
      const rows = answer.clusters.map(({ name, createdAt }) => [name, showTime(createdAt)]);
      return { document: toDocument(answer), text: table(['CLUSTER', 'CREATED'], rows, 'No clusters.') };
    }),
  );
