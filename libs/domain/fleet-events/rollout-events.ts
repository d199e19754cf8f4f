// SPDX-License-Identifier: GPL-2.0-only
import type { ClusterName, NodeName } from '@lockstep/domain/livepatch-model';
import { counted } from '@lockstep/domain/visible-text';
import type { EventType, FleetEvent } from './fleet-event';

/** A rollout as it stands. */
export interface ShownRollout {
  readonly id: string;
  readonly cluster: ClusterName;
  readonly toSeq: number;
  readonly status: 'running' | 'paused' | 'succeeded' | 'halted' | 'aborted' | 'superseded';
  /** Of the plan that it stands at: each plan is stored once. */
  readonly generation: number;
  /** Whose word it waits for: so many people's, for this plan; absent where nobody's. */
  readonly awaits?: { readonly needed: number; readonly planHash: string } | undefined;
  /** Of an emergency: who began it and why, and who else has confirmed it. */
  readonly breakGlass?:
    { readonly by: string; readonly reason: string; readonly confirmedBy: string | undefined } | undefined;
  readonly nodes: readonly {
    readonly node: NodeName;
    /** Null: it came later, and is in none. */
    readonly wave: number | null;
    /** It may move. */
    readonly released: boolean;
    /** Why it is not there, as a stable word; undefined once it is. */
    readonly notYet: string | undefined;
  }[];
}

const statusTypes = {
  running: 'rollout.resumed',
  paused: 'rollout.paused',
  succeeded: 'rollout.done',
  halted: 'rollout.halted',
  aborted: 'rollout.aborted',
  superseded: 'rollout.superseded',
} as const satisfies Record<ShownRollout['status'], EventType>;

const told: ReadonlySet<EventType> = new Set([...Object.values(statusTypes), 'rollout.started']);

/** A wave that was told of says nothing of the status. */
const isStatus = (type: EventType): boolean => told.has(type);

/** Who is told of an event looks up the rest. */
const mostNamed = 20;

const namesOf = (nodes: ShownRollout['nodes']): string[] => nodes.slice(0, mostNamed).map(({ node }) => node);

const waveName = (wave: number): string => (wave === 0 ? 'the canaries' : `wave ${wave}`);

function statusMessage({ id, cluster, toSeq, status, nodes }: ShownRollout): string {
  const there = nodes.filter(({ notYet }) => notYet === undefined).length;
  const words = {
    running: 'goes on',
    paused: 'is paused',
    succeeded: 'is done',
    halted: 'was halted',
    aborted: 'was aborted',
    superseded: 'was superseded',
  };
  return `Rollout ${id} of ${cluster} to #${toSeq} ${words[status]}: ${there} of ${counted(nodes.length, 'node')} there.`;
}

/** Told once for each plan that is to be approved. */
function approvalEvent({ id, cluster, toSeq, awaits }: ShownRollout): FleetEvent[] {
  if (awaits === undefined) return [];
  const { needed, planHash } = awaits;
  return [
    {
      ...{ key: `rollout ${id} awaits ${planHash}`, type: 'rollout.awaits-approval', cluster, subject: id },
      message: `Rollout ${id} of ${cluster} to #${toSeq} waits for the approval of ${needed}: lockstep rollout approvals ${id}`,
      data: { rollout: id, cluster, toSeq, needed, planHash },
    },
  ];
}

/** Told at once and by itself: nobody has to look for it among what began. */
function emergencyEvents({ id, cluster, toSeq, breakGlass }: ShownRollout): FleetEvent[] {
  if (breakGlass === undefined) return [];
  const { by, reason, confirmedBy } = breakGlass;
  const data = { rollout: id, cluster, toSeq, by, reason };
  const broken: FleetEvent = {
    ...{ key: `rollout ${id} break-glass`, type: 'rollout.break-glass', cluster, subject: id },
    message:
      `${by} broke the glass: rollout ${id} of ${cluster} to #${toSeq} skips windows, approvals and bake time: ${reason} ` +
      `Somebody else is asked to confirm it: lockstep rollout confirm ${id}`,
    data,
  };
  if (confirmedBy === undefined) return [broken];
  return [
    broken,
    {
      ...{ key: `rollout ${id} confirmed`, type: 'rollout.confirmed', cluster, subject: id },
      message: `${confirmedBy} confirmed the emergency rollout ${id} of ${cluster} to #${toSeq}.`,
      data: { ...data, confirmedBy },
    },
  ];
}

/**
 * What a rollout has to tell as it stands. Each event has a key, so that it may be told again and is one.
 * @param before types told of it already, in any order but that the last of its status is the last
 */
export function rolloutEvents(rollout: ShownRollout, before: readonly EventType[]): FleetEvent[] {
  const { id, cluster, toSeq, status, generation, nodes } = rollout;
  const common = { cluster, subject: id } as const;
  const data = { rollout: id, cluster, toSeq };
  const started: FleetEvent = {
    ...{ ...common, key: `rollout ${id} started`, type: 'rollout.started' },
    message: `Rollout ${id} of ${cluster} to #${toSeq} began with ${counted(nodes.length, 'node')}.`,
    data: { ...data, nodes: nodes.length },
  };
  const waves = [...new Set(nodes.flatMap(({ released, wave }) => (released && wave !== null ? [wave] : [])))];
  const opened = waves
    .sort((a, b) => a - b)
    .map((wave): FleetEvent => {
      const members = nodes.filter((node) => node.wave === wave);
      return {
        ...{ ...common, key: `rollout ${id} wave ${wave}`, type: 'rollout.wave-opened' },
        message: `Rollout ${id} of ${cluster} opened ${waveName(wave)}: ${counted(members.length, 'node')}.`,
        data: { ...data, wave, nodes: members.length, first: namesOf(members) },
      };
    });
  const last = before.findLast(isStatus) ?? 'rollout.started';
  const type = statusTypes[status];
  const isTold = last === type || (status === 'running' && last === 'rollout.started');
  const asked = [...emergencyEvents(rollout), ...approvalEvent(rollout)];
  if (isTold) return [started, ...asked, ...opened];
  const missing = nodes.filter(({ notYet }) => notYet !== undefined);
  const change: FleetEvent = {
    ...{ ...common, key: `rollout ${id} ${status} ${generation}`, type },
    message: statusMessage(rollout),
    data: { ...data, there: nodes.length - missing.length, of: nodes.length, notThere: namesOf(missing) },
  };
  return [started, ...asked, ...opened, change];
}
