// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import type { FleetEvent } from '@lockstep/domain/fleet-events';
import { LockstepError, type ClusterName } from '@lockstep/domain/livepatch-model';
import type { LogEntry, LogName } from '@lockstep/domain/load-order';
import { counted } from '@lockstep/domain/visible-text';
import type { PatchRecord } from '@lockstep/io/database';
import type { Uses } from '../services';

// What operators' calls lead to and nothing that is stored tells afterwards.

/** Submitted again it is the same patch. */
export const patchSubmitted = ({ id, name, author, cves }: PatchRecord): FleetEvent => ({
  key: `patch ${id} submitted`,
  ...{ type: 'patch.submitted', cluster: null, subject: name },
  message: `Patch ${name} was submitted${cves.length === 0 ? '' : `: it fixes ${cves.join(', ')}`}.`,
  data: { patch: name, patchId: id, author, cves: [...cves] },
});

export const orderRecovered = (
  { cluster, kernelBuild }: LogName,
  entries: readonly LogEntry[],
  nodes: readonly string[],
): FleetEvent => ({
  key: `order ${entries.at(-1)?.hash ?? randomUUID()} recovered`,
  ...{ type: 'order.recovered', cluster, subject: cluster },
  message: `Taken back of the load order of ${cluster}: ${counted(entries.length, 'entry', 'entries')}, from ${nodes.join(', ')}.`,
  data: { cluster, kernelBuild, seqs: entries.map(({ seq }) => String(seq)), nodes: [...nodes] },
});

export const logKeyRotated = (cluster: ClusterName, keySha256: string, entries: readonly LogEntry[]): FleetEvent => ({
  key: `log key ${keySha256}`,
  ...{ type: 'order.key-rotated', cluster, subject: cluster },
  message: `A new log key, ${keySha256.slice(0, 12)}, signs the load orders of ${cluster} from now on.`,
  data: { cluster, keySha256, logs: entries.map(({ kernelBuild, seq }) => `${kernelBuild} #${seq}`) },
});

export interface ScheduleChange {
  readonly kind: 'window' | 'freeze';
  readonly name: string;
  /** Undefined: every one. */
  readonly cluster: ClusterName | undefined;
  readonly selector: string;
  /** From now on, or no more. */
  readonly isThere: boolean;
}

export const scheduleChanged = ({ kind, name, cluster, selector, isThere }: ScheduleChange): FleetEvent => ({
  key: `schedule ${randomUUID()}`,
  ...{ type: 'schedule.changed', cluster: cluster ?? null, subject: name },
  message: `The ${kind} "${name}" of ${cluster ?? 'every cluster'} ${isThere ? 'is there' : 'is gone'}${selector === '' ? '' : ` (${selector})`}.`,
  data: { kind, name, cluster: cluster ?? '', selector, isThere },
});

/**
 * Tells that an append was refused because of a conflict, and throws what it was refused with: that is the caller's,
 * whether it can be told or not.
 */
export async function tellRefusal(
  { events, log }: Uses<'events' | 'log'>,
  { cluster, kernelBuild }: LogName,
  patch: string,
  error: unknown,
): Promise<never> {
  if (error instanceof LockstepError && error.reason === 'unforced-conflict') {
    const event: FleetEvent = {
      key: `conflict ${randomUUID()}`,
      ...{ type: 'order.conflict-refused', cluster, subject: patch },
      message: `Patch ${patch} was not appended to the load order of ${cluster}: it conflicts with what is there.`,
      data: { cluster, kernelBuild, patch, message: error.message },
    };
    await events.record([event]).catch((err: unknown) => {
      log.warn({ err }, 'cannot tell of a refused conflict now');
    });
  }
  throw error;
}
