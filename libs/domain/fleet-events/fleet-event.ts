// SPDX-License-Identifier: GPL-2.0-only
import type { ClusterName } from '@lockstep/domain/livepatch-model';

/** What is worth waking somebody for, or telling another system. */
export const eventTypes = [
  'rollout.started',
  'rollout.wave-opened',
  'rollout.awaits-approval',
  'rollout.break-glass',
  'rollout.confirmed',
  'rollout.halted',
  'rollout.paused',
  'rollout.resumed',
  'rollout.done',
  'rollout.aborted',
  'rollout.superseded',
  'campaign.started',
  'campaign.paused',
  'campaign.halted',
  'campaign.resumed',
  'campaign.done',
  'campaign.aborted',
  'node.failed',
  'node.quarantined',
  'node.diverged',
  'node.lost',
  'node.head-overdue',
  'node.recovered',
  'patch.submitted',
  'build.failed',
  'order.conflict-refused',
  'order.recovered',
  'order.key-rotated',
  'schedule.changed',
] as const;

export type EventType = (typeof eventTypes)[number];

export interface FleetEvent {
  /** Names what happened: told again after a crash, it is the same event. */
  readonly key: string;
  readonly type: EventType;
  /** Null: it is of no cluster. */
  readonly cluster: ClusterName | null;
  /** What it is about: a rollout's id, a node's or patch's name. */
  readonly subject: string;
  /** For people, one line. */
  readonly message: string;
  /** For programs. */
  readonly data: Readonly<Record<string, string | number | boolean | readonly string[]>>;
}
