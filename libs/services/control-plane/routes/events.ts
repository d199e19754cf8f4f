// SPDX-License-Identifier: GPL-2.0-only
import type {
  ListEventsRequest,
  ListEventsResponse,
  WatchEventsRequest,
  WatchEventsResponse,
} from '@lockstep/contracts/generated';
import { matchesFilter, parseEventFilter } from '@lockstep/domain/fleet-events';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { EventRecord } from '@lockstep/io/database';
import type { CallContext } from '../grpc/call-route';
import type { Stores, Uses } from '../services';
import { eventToWire } from '../views/event-view';
import { clusterNamed, visibleTo } from './chosen-nodes';

const defaultLimit = 100;
const mostListed = 1_000;
const readAtOnce = 500;

/** Those that are wanted, of clusters that the caller may look at, and of none. */
async function filterOf(
  db: Stores<'clusters'>,
  { types, cluster }: { readonly types: readonly string[]; readonly cluster: string },
  context: CallContext,
): Promise<(event: EventRecord) => boolean> {
  const filter = parseEventFilter(types, await clusterNamed(db, cluster));
  const isVisible = visibleTo(context);
  return (event) => matchesFilter(filter, event) && (event.cluster === null || isVisible(event.cluster));
}

/** The newest of those that are wanted, or of those before the one named: of all that are kept, however many others there are. */
export async function listEvents(
  { db }: Uses<'db.events' | 'db.clusters'>,
  request: ListEventsRequest,
  context: CallContext,
): Promise<ListEventsResponse> {
  if (request.limit > mostListed) {
    const message = `At most ${mostListed} events are listed at once, not ${request.limit}: ask for those before the first of them next.`;
    throw new LockstepError('invalid-input', 'invalid-limit', message, { limit: request.limit });
  }
  const { types, cluster } = parseEventFilter(request.types, await clusterNamed(db, request.cluster));
  const among = cluster === undefined ? (await db.clusters.list()).map(({ name }) => name) : [cluster];
  const clusters = among.filter(visibleTo(context));
  // First: what happens meanwhile is told to who follows from here.
  const head = await db.events.head();
  const query = { types, clusters, beforeSeq: request.beforeSeq ?? head + 1 };
  const events = await db.events.latest(query, request.limit === 0 ? defaultLimit : request.limit);
  return { events: events.map(eventToWire), head };
}

/** Each event that is wanted, as it happens, and before that those after the one named. */
export async function* watchEvents(
  { db, changes }: Uses<'db.events' | 'db.clusters' | 'changes'>,
  request: WatchEventsRequest,
  context: CallContext,
): AsyncGenerator<WatchEventsResponse> {
  const { signal } = context;
  const isWanted = await filterOf(db, request, context);
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
