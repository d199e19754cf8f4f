// SPDX-License-Identifier: GPL-2.0-only
import type { ClusterName } from '@lockstep/domain/livepatch-model';
import { alwaysOpen, type Schedule } from '@lockstep/domain/schedule';
import type { ScheduleStore } from '@lockstep/io/database';

type Read = Awaited<ReturnType<ScheduleStore['read']>>;

/** Windows and freezes as they were read last: words are told by them, and nothing is decided that is not read anew. */
export class KnownSchedules {
  private known: Read = { of: new Map(), all: alwaysOpen };
  private text = '';
  /** Reads are numbered as they begin: one that began before a change says nothing of it. */
  private begun = 0;
  private answered = 0;
  /** Number of the first read that knows of every change that was told. */
  private wanted = 1;
  private reading: Promise<void> | undefined;
  /** Another one with each change that was read: whoever has decided by an earlier one decides anew. */
  edition = 0;

  constructor(private readonly store: Pick<ScheduleStore, 'read'>) {}

  /** They may have changed. */
  readAgain(): void {
    this.wanted = this.begun + 1;
  }

  async of(cluster: ClusterName): Promise<Schedule> {
    while (this.answered < this.wanted) {
      this.reading ??= this.refresh().finally(() => {
        this.reading = undefined;
      });
      await this.reading;
    }
    return this.known.of.get(cluster) ?? this.known.all;
  }

  /** Reads them as they are stored now. */
  async refresh(): Promise<void> {
    this.begun += 1;
    const turn = this.begun;
    const read = await this.store.read();
    // One that began later has answered already.
    if (turn < this.answered) return;
    this.answered = turn;
    this.known = read;
    const text = JSON.stringify([[...read.of], read.all]);
    if (text !== this.text) this.edition += 1;
    this.text = text;
  }
}
