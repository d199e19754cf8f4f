// SPDX-License-Identifier: GPL-2.0-only
import type { FleetEvent } from '@lockstep/domain/fleet-events';
import type { AddedEvent, EventStore, Fence } from '@lockstep/io/database';
import type { ChangeNotifier } from '../change-notifier';

/** Where whatever happened is written, in one order: one statement after the other, so that no seq is passed over. */
export class EventLog {
  private writing: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly store: Pick<EventStore, 'add'>,
    private readonly changes: ChangeNotifier,
  ) {}

  /**
   * Keeps those that are new, and tells whoever waits for events. @param fence of what the leader alone tells.
   * @returns these. @throws LockstepError as `EventStore.add`.
   */
  record(events: readonly FleetEvent[], fence?: Fence): Promise<AddedEvent[]> {
    const written = this.writing.then(() => this.store.add(events, fence));
    this.writing = written.catch(() => undefined);
    return written.then((added) => {
      if (added.length > 0) this.changes.notify('events');
      return added;
    });
  }
}
