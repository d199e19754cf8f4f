// SPDX-License-Identifier: GPL-2.0-only

/** So many events wait in the queue for an endpoint that takes none; later ones wait in the log of events. */
const mostWaiting = 1_000;

/** What was queued for endpoints that fail: one that is gone for days must not fill the queue, which has all of it in memory. */
export class EndpointBacklogs {
  /** By endpoint, the oldest first. */
  private readonly queued = new Map<string, number[]>();

  /** @param isWaiting whether an event that was queued for it has neither been taken nor given up */
  async isFull(name: string, isWaiting: (event: number) => Promise<boolean>): Promise<boolean> {
    const events = this.queued.get(name) ?? [];
    for (let [oldest] = events; oldest !== undefined && events.length >= mostWaiting; [oldest] = events) {
      if (await isWaiting(oldest)) return true;
      events.shift();
    }
    return false;
  }

  note(name: string, events: readonly number[]): void {
    this.queued.set(name, [...(this.queued.get(name) ?? []), ...events]);
  }

  /** It takes what it is sent, or is wanted no more. */
  forget(name: string): void {
    this.queued.delete(name);
  }
}
