// SPDX-License-Identifier: GPL-2.0-only
import type { HeadTime, LoadOrderStore } from '@lockstep/io/database';
import type { Logger } from 'pino';

/** When the last entry of each load order was appended: read at start, and again when one may have grown. */
export class HeadTimes {
  private heads: readonly HeadTime[] = [];
  private reading: Promise<void> = Promise.resolve();

  constructor(
    private readonly store: Pick<LoadOrderStore, 'headTimes'>,
    private readonly log: Logger,
  ) {}

  async start(): Promise<void> {
    this.heads = await this.store.headTimes();
  }

  /** Nobody waits for it. One reads after the other: what an earlier one has read takes no later one's place. */
  noteGrowth(): void {
    this.reading = this.reading
      .then(() => this.start())
      .catch((err: unknown) => {
        this.log.warn({ err }, 'could not read when load orders grew last');
      });
  }

  list(): readonly HeadTime[] {
    return this.heads;
  }
}
