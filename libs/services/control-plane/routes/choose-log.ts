// SPDX-License-Identifier: GPL-2.0-only
import {
  LockstepError,
  parseClusterName,
  parseKernelBuildId,
  type KernelBuildId,
} from '@lockstep/domain/livepatch-model';
import type { LogName } from '@lockstep/domain/load-order';
import type { Uses } from '../services';

/** What choosing a load order needs. */
export type LogChooser = 'db.clusters' | 'nodes' | 'db.loadOrders' | 'db.kernelBuilds';

/** What a request says of the load order it means. */
export interface LogChoice {
  readonly cluster: string;
  /** May be empty where only one can be meant. */
  readonly kernelBuildId: string;
}

/** The kernel builds that the cluster is about: those its nodes run and those it has a load order for. */
async function candidates({ db, nodes }: Uses<LogChooser>, cluster: LogName['cluster']): Promise<KernelBuildId[]> {
  const ofNodes = nodes.list(cluster).flatMap(({ kernelBuild }) => (kernelBuild === null ? [] : [kernelBuild]));
  const found = [...new Set([...ofNodes, ...(await db.loadOrders.kernelBuilds(cluster))])];
  return found.length > 0 ? found : (await db.kernelBuilds.list()).map(({ id }) => id);
}

/**
 * The load order that a request means.
 * @throws LockstepError `not-found` for an unknown cluster or kernel build, `invalid-input` `kernel-build-needed`.
 */
export async function chooseLog(parts: Uses<LogChooser>, choice: LogChoice): Promise<LogName> {
  const { db } = parts;
  const { name: cluster } = await db.clusters.require(parseClusterName(choice.cluster));
  if (choice.kernelBuildId !== '') {
    const kernel = await db.kernelBuilds.require(parseKernelBuildId(choice.kernelBuildId));
    return { cluster, kernelBuild: kernel.id };
  }
  const [only, ...others] = await candidates(parts, cluster);
  if (only !== undefined && others.length === 0) {
    return { cluster, kernelBuild: (await db.kernelBuilds.require(only)).id };
  }
  const message =
    only === undefined
      ? `Cluster "${cluster}" has no kernel build yet: register one with \`lockstep kernel add\`.`
      : `Cluster "${cluster}" has more than one kernel build: name the one that is meant with --kernel-build.`;
  throw new LockstepError('invalid-input', 'kernel-build-needed', message, {
    cluster,
    kernelBuilds: only === undefined ? [] : [only, ...others],
  });
}
