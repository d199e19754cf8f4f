// SPDX-License-Identifier: GPL-2.0-only
import { listAll } from '@lockstep/io/rpc-client';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { Command } from 'commander';
import { viewCommand, type Cli, type LeafOptions } from '../cli';
import { toDocument } from '../document';
import { describeSwitching } from '../switching-options';
import { clusterDocument } from '../views/cluster-view';
import { driftTable } from '../views/drift-view';
import { unconfirmedLines } from '../views/emergency-view';
import { rolloutSummaryDocument, rolloutTable } from '../views/rollout-view';

const newestRollouts = 5;

export const showCluster = (cli: Cli): Command =>
  viewCommand('show', 'show a cluster: its newest rollouts, and which nodes have left their position')
    .argument('<cluster>', 'name')
    .action((name: string, options: LeafOptions) =>
      cli.run(options, async ({ fleet, signal }) => {
        const { nodes: drift } = await fleet.listDrift({ cluster: name }, { signal });
        const clusters = await listAll(fleet.listClusters, {}, (answer) => answer.clusters, { signal });
        const cluster = clusters.find((each) => each.name === name);
        if (cluster === undefined) {
          throw new LockstepError('not-found', 'unknown-cluster', `There is no cluster "${name}".`, { cluster: name });
        }
        const { clusters: counted } = await fleet.getCensus({ cluster: name }, { signal });
        const unconfirmed = counted.flatMap((each) => each.unconfirmed);
        const { rollouts } = await fleet.listRollouts({ cluster: name, pageSize: newestRollouts }, { signal });
        return {
          document: {
            cluster: clusterDocument(cluster),
            rollouts: rollouts.map(rolloutSummaryDocument),
            drift: drift.map(toDocument),
            unconfirmed: unconfirmed.map(toDocument),
          },
          text: [
            [
              `Cluster ${name}. New entries get ${describeSwitching(cluster) || 'nothing of the cluster’s own'}.`,
              ...unconfirmedLines(unconfirmed),
            ].join('\n'),
            rolloutTable(rollouts),
            driftTable(drift),
          ].join('\n\n'),
          names: [name],
        };
      }),
    );
