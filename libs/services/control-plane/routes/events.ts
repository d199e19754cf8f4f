// SPDX-License-Identifier: GPL-2.0-only
import type {
  ListEventsRequest,
  ListEventsResponse,
  WatchEventsRequest,
  WatchEventsResponse,
} from '@lockstep/contracts/generated';
import { inCluster, may } from '@lockstep/domain/access';
import { matchesFilter, parseEventFilter } from '@lockstep/domain/fleet-events';
import { LockstepError, type ClusterName, type NodeName } from '@lockstep/domain/livepatch-model';
import type { EventRecord } from '@lockstep/io/database';
import type { CallContext } from '../grpc/call-route';
import type { Uses } from '../services';
import { eventToWire } from '../views/event-view';
import { clusterNamed, nodeVisibleTo, type NodeChooser } from './chosen-nodes';

const defaultLimit = 100;
const mostListed = 1_000;
const readAtOnce = 500;

/** What happened to a node; anything else is of its whole cluster. */
const isOfNode = ({ type }: EventRecord): boolean => type.startsWith('node.');

const mayLookAtAllOf =
  ({ caller }: CallContext) =>
  (cluster: ClusterName): boolean =>
    may(caller.identity, 'look', inCluster(cluster));

/** Those that are wanted, of clusters that the caller may look at, of single nodes in others, and of no cluster. */
async function filterOf(
  { db, nodes }: Uses<NodeChooser>,
  { types, cluster }: { readonly types: readonly string[]; readonly cluster: string },
  context: CallContext,
): Promise<(event: EventRecord) => boolean> {
  const filter = parseEventFilter(types, await clusterNamed(db, cluster));
  const isWhole = mayLookAtAllOf(context);
  const isVisible = nodeVisibleTo(context);
  const isPart = (event: EventRecord): boolean => {
    const node = isOfNode(event) ? nodes.find(event.subject as NodeName) : undefined;
    return node !== undefined && isVisible(node);
  };
  return (event) => matchesFilter(filter, event) && (event.cluster === null || isWhole(event.cluster) || isPart(event));
}

/** The newest of those that are wanted, or of those before the one named: of all that are kept, however many others there are. */
export async function listEvents(
  { db, nodes }: Uses<NodeChooser | 'db.events'>,
  request: ListEventsRequest,
  context: CallContext,
): Promise<ListEventsResponse> {
  if (request.limit > mostListed) {
    const message = `At most ${mostListed} events are listed at once, not ${request.limit}: ask for those before the first of them next.`;
    throw new LockstepError('invalid-input', 'invalid-limit', message, { limit: request.limit });
  }
  const { types, cluster } = parseEventFilter(request.types, await clusterNamed(db, request.cluster));
  const among = cluster === undefined ? (await db.clusters.list()).map(({ name }) => name) : [cluster];
  const clusters = among.filter(mayLookAtAllOf(context));
  const parts = among.filter((each) => !clusters.includes(each));
  const single = parts.flatMap((each) => nodes.list(each).filter(nodeVisibleTo(context)));
  // First: what happens meanwhile is told to who follows from here.
  const head = await db.events.head();
  const query = {
    ...{ types, clusters, nodes: single.map(({ name }) => name) },
    ...{ subject: request.subject, beforeSeq: request.beforeSeq ?? head + 1 },
  };
  const events = await db.events.latest(query, request.limit === 0 ? defaultLimit : request.limit);
  return { events: events.map(eventToWire), head };
}

/** Each event that is wanted, as it happens, and before that those after the one named. */
export async function* watchEvents(
  services: Uses<NodeChooser | 'db.events' | 'changes'>,
  request: WatchEventsRequest,
  context: CallContext,
): AsyncGenerator<WatchEventsResponse> {
  const { db, changes } = services;
  const { signal } = context;
  const isWanted = await filterOf(services, request, context);
  let told = request.afterSeq ?? (await db.events.head());
  for await (const head of changes.watch(
    'events',
    () => db.events.head(),
    () => false,
    signal,
  )) {
    while (told < head && !signal.aborted) {
      const events = await db.events.after(told, readAtOnce);
      for (const event of events) if (isWanted(event)) yield { event: eventToWire(event), seq: event.seq };
      told = events.at(-1)?.seq ?? head;
    }
  }
}
