// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { NodeRecord } from '@lockstep/io/database';
import type { ListKey } from '../routes/page';

/** What nodes can be listed by; those that are alike come by name. */
const keys = {
  name: () => 0,
  cluster: ({ cluster }) => cluster,
  status: ({ report }) => report?.status ?? 0,
  position: ({ report }) => report?.position ?? 0,
  kernel: ({ kernelRelease }) => kernelRelease,
  agent: ({ agentVersion }) => agentVersion,
  last_seen: ({ lastSeenAt }) => lastSeenAt?.getTime() ?? 0,
} as const satisfies Readonly<Record<string, (node: NodeRecord) => number | string>>;

type OrderKey = keyof typeof keys;

export interface NodeOrder {
  readonly by: OrderKey;
  readonly isDescending: boolean;
}

/** Where a node stands: what it is listed by, and its name. */
export type NodePlace = readonly [value: number | string, name: string];

const byName: NodeOrder = { by: 'name', isDescending: false };

/** `last_seen`, `status desc`; empty: by name. @throws LockstepError `invalid-input` `invalid-order`. */
export function parseNodeOrder(text: string | undefined): NodeOrder {
  if (text === undefined || text === '') return byName;
  const [, word = '', direction] = /^(\w+)(?: (asc|desc))?$/.exec(text) ?? [];
  if (Object.hasOwn(keys, word)) return { by: word as OrderKey, isDescending: direction === 'desc' };
  const message = `Nodes are not listed by "${text.slice(0, 40)}": use ${Object.keys(keys).join(', ')}, and " desc" for the other way round.`;
  throw new LockstepError('invalid-input', 'invalid-order', message);
}

/** The order in which all names are kept: it needs no sorting. */
export const isByName = ({ by, isDescending }: NodeOrder): boolean => by === 'name' && !isDescending;

const placeOf = ({ by }: NodeOrder, node: NodeRecord): NodePlace => [keys[by](node), node.name];

const lessThan = (a: number | string, b: number | string): number => (a < b ? -1 : a > b ? 1 : 0);

/** The other way round are the values, and the names where they alone decide. */
export function comparePlaces({ by, isDescending }: NodeOrder, a: NodePlace, b: NodePlace): number {
  const values = lessThan(a[0], b[0]);
  const names = lessThan(a[1], b[1]);
  if (by === 'name') return isDescending ? -names : names;
  return values === 0 ? names : isDescending ? -values : values;
}

/** @param after the place of the last one before them */
export function nodesInOrder(
  order: NodeOrder,
  nodes: readonly NodeRecord[],
  { after, limit }: { readonly after: NodePlace | undefined; readonly limit: number },
): NodeRecord[] {
  return nodes
    .map((node) => ({ node, place: placeOf(order, node) }))
    .filter(({ place }) => after === undefined || comparePlaces(order, place, after) > 0)
    .sort((a, b) => comparePlaces(order, a.place, b.place))
    .slice(0, limit)
    .map(({ node }) => node);
}

/** In page tokens: by name it is the name alone. */
export const placeKey = (order: NodeOrder): ListKey<NodeRecord, NodePlace> => ({
  of: (node) => placeOf(order, node),
  format: (place) => (isByName(order) ? place[1] : JSON.stringify([order.by, order.isDescending, ...place])),
  parse: (text) => {
    if (isByName(order)) return [0, text];
    try {
      const [by, isDescending, value, name] = JSON.parse(text) as unknown[];
      const isPlace = (typeof value === 'number' || typeof value === 'string') && typeof name === 'string';
      return isPlace && by === order.by && isDescending === order.isDescending ? [value, name] : undefined;
    } catch {
      return undefined;
    }
  },
});
