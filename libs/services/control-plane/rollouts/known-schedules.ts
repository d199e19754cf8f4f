// SPDX-License-Identifier: GPL-2.0-only
import type { ClusterName } from '@lockstep/domain/livepatch-model';
import { alwaysOpen, type Schedule } from '@lockstep/domain/schedule';
import type { ScheduleStore } from '@lockstep/io/database';

type Read = Awaited<ReturnType<ScheduleStore['read']>>;

/** Windows and freezes as they were read last: words are told by them, and nothing is decided that is not read anew. */
export class KnownSchedules {
  private known: Read = { of: new Map(), all: alwaysOpen };
  private text = '';
  private stale = true;

  constructor(private readonly store: Pick<ScheduleStore, 'read'>) {}

  /** They may have changed. */
  readAgain(): void {
    this.stale = true;
  }

  async of(cluster: ClusterName): Promise<Schedule> {
    if (this.stale) await this.refresh();
    return this.known.of.get(cluster) ?? this.known.all;
  }

  /** Reads them as they are stored now. @returns whether they are others. */
  async refresh(): Promise<boolean> {
    this.stale = false;
    try {
      this.known = await this.store.read();
    } catch (error) {
      this.stale = true;
      throw error;
    }
    const text = JSON.stringify([[...this.known.of], this.known.all]);
    const hasChanged = text !== this.text;
    this.text = text;
    return hasChanged;
  }
}
