// SPDX-License-Identifier: GPL-2.0-only
import { useQuery, type UseQueryResult } from '@tanstack/react-query';
import { answerOf, api } from '../api/client';
import { refreshMs } from '../api/queries';
import type { NodeStatus, Schemas } from '../api/schemas';

type ClusterMessage = Schemas['ClusterCensus'];

/** The nodes of a cluster that run one kernel build. */
export interface OrderCensus {
  readonly kernelBuildId: string;
  readonly kernelRelease: string;
  readonly nodes: number;
  readonly atHead: number;
  readonly headSeq: number;
  readonly headAt: string | undefined;
  /** When nodes were last given proof of where it ends. */
  readonly headSignedAt: string | undefined;
  readonly positions: readonly { readonly position: number; readonly nodes: number }[];
}

export interface ClusterCensus {
  readonly cluster: string;
  readonly nodes: number;
  readonly connected: number;
  readonly statuses: readonly { readonly status: NodeStatus; readonly nodes: number }[];
  readonly agentVersions: readonly { readonly version: string; readonly nodes: number }[];
  readonly orders: readonly OrderCensus[];
  /** Connected nodes that have heard for a day of no end of their load order. */
  readonly headOverdue: number;
  /** Emergencies that nobody else has confirmed. */
  readonly unconfirmed: readonly Schemas['UnconfirmedRollout'][];
}

const orderOf = (order: Schemas['OrderCensus']): OrderCensus => ({
  ...{ kernelBuildId: order.kernelBuildId ?? '', kernelRelease: order.kernelRelease ?? '' },
  ...{ nodes: order.nodes ?? 0, atHead: order.atHead ?? 0, headSeq: order.headSeq ?? 0, headAt: order.headAt },
  headSignedAt: order.headSignedAt,
  positions: (order.positions ?? []).map(({ position = 0, nodes = 0 }) => ({ position, nodes })),
});

const clusterOf = ({
  cluster = '',
  nodes = 0,
  connected = 0,
  statuses,
  agentVersions,
  orders,
  ...rest
}: ClusterMessage) => ({
  ...{ cluster, nodes, connected, headOverdue: rest.headOverdue ?? 0, unconfirmed: rest.unconfirmed ?? [] },
  statuses: (statuses ?? []).map(({ status = 'NODE_STATUS_UNSPECIFIED', nodes: count = 0 }) => ({
    ...{ status, nodes: count },
  })),
  agentVersions: (agentVersions ?? []).map(({ version = '', nodes: count = 0 }) => ({ version, nodes: count })),
  orders: (orders ?? []).map(orderOf),
});

export const useCensus = (): UseQueryResult<readonly ClusterCensus[]> =>
  useQuery({
    queryKey: ['census'],
    queryFn: async ({ signal }): Promise<readonly ClusterCensus[]> =>
      ((await answerOf(api.GET('/v1/census', { signal }))).clusters ?? []).map(clusterOf),
    refetchInterval: refreshMs,
  });

/** Every node holds exactly the stack of its load order's head, and can be heard. */
export const isInStep = ({ nodes, connected, orders }: ClusterCensus): boolean =>
  connected === nodes && orders.reduce((sum, { atHead }) => sum + atHead, 0) === nodes;

/** Agents by version in all clusters, most first. */
export function versionsOf(clusters: readonly ClusterCensus[]): { readonly version: string; readonly nodes: number }[] {
  const counts = new Map<string, number>();
  for (const { version, nodes } of clusters.flatMap(({ agentVersions }) => agentVersions)) {
    counts.set(version, (counts.get(version) ?? 0) + nodes);
  }
  return [...counts].map(([version, nodes]) => ({ version, nodes })).sort((a, b) => b.nodes - a.nodes);
}
