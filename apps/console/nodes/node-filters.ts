// SPDX-License-Identifier: GPL-2.0-only
import type { NodeStatus } from '../api/schemas';
import { ownValue } from '../display/own-value';
import { nodeStatuses } from '../display/tones';

/** As they stand in the address. */
export const filterKeys = ['cluster', 'status', 'connected', 'kernel', 'selector', 'cve'] as const;
export type NodeFilters = Readonly<Record<(typeof filterKeys)[number], string>>;

/** As the API takes them. */
export interface NodeQuery {
  readonly cluster?: string;
  readonly status?: NodeStatus;
  readonly connected?: boolean;
  readonly kernelBuildId?: string;
  readonly selector?: string;
  readonly withoutCve?: string;
  readonly orderBy?: string;
}

const connectedWords: Readonly<Record<string, boolean>> = { yes: true, no: false };

/** What is no word of ours in an address asks for nothing. */
export function nodeQuery({ cluster, status, connected, kernel, selector, cve }: NodeFilters): NodeQuery {
  const known = nodeStatuses.find((each) => each === status);
  const isConnected = ownValue(connectedWords, connected);
  return {
    ...(cluster === '' ? {} : { cluster }),
    ...(known === undefined ? {} : { status: known }),
    ...(isConnected === undefined ? {} : { connected: isConnected }),
    ...(kernel === '' ? {} : { kernelBuildId: kernel }),
    ...(selector === '' ? {} : { selector }),
    ...(cve === '' ? {} : { withoutCve: cve }),
  };
}

/** `?cluster=web&status=…`, for an address. */
export const filtersInAddress = (filters: NodeFilters): string =>
  new URLSearchParams(Object.entries(filters).filter(([, value]) => value !== '')).toString();
