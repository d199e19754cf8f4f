// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type ClusterName } from '@lockstep/domain/livepatch-model';
import { eventTypes, type EventType, type FleetEvent } from './fleet-event';

/** Which events somebody wants; none named: all. */
export interface EventFilter {
  readonly types: ReadonlySet<EventType>;
  /** Undefined: of every cluster. Events of no cluster are in every one's interest. */
  readonly cluster: ClusterName | undefined;
}

/** `node.failed`, or `rollout.*` for all of a kind. @throws LockstepError `invalid-input` `invalid-event-type`. */
function typesOf(text: string): EventType[] {
  const kind = /^([a-z]+)\.\*$/.exec(text)?.[1];
  const chosen = eventTypes.filter((type) => type === text || (kind !== undefined && type.startsWith(`${kind}.`)));
  if (chosen.length > 0) return chosen;
  const message = `"${text}" is no type of event: use ${eventTypes.join(', ')}, or as node.* all of a kind.`;
  throw new LockstepError('invalid-input', 'invalid-event-type', message, { text });
}

/** @throws LockstepError `invalid-input` `invalid-event-type`. */
export const parseEventFilter = (types: readonly string[], cluster: ClusterName | undefined): EventFilter => ({
  types: new Set(types.flatMap(typesOf)),
  cluster,
});

export const matchesFilter = ({ types, cluster }: EventFilter, event: Pick<FleetEvent, 'type' | 'cluster'>): boolean =>
  (types.size === 0 || types.has(event.type)) &&
  (cluster === undefined || event.cluster === null || event.cluster === cluster);
