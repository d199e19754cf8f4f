// SPDX-License-Identifier: GPL-2.0-only

/** Whether this control plane did it, or another one of the database, which said so. */
export type Doer = 'here' | 'elsewhere';

/** What a watcher can wait for. */
export type Topic =
  'audit' | 'events' | `build:${string}` | `registration:${string}` | `rollout:${string}` | `campaign:${string}`;

/** A watcher reads again after this long, should a notification have been lost. */
const readAgainMs = 5_000;

/** Tells watchers that a thing may have changed; what it is now they read from the database. */
export class ChangeNotifier {
  private readonly waiting = new Map<Topic, Set<() => void>>();
  private readonly listeners: ((topic: Topic, doer: Doer) => void)[] = [];

  /** Hears of every change, for as long as this lives. */
  listen(listener: (topic: Topic, doer: Doer) => void): void {
    this.listeners.push(listener);
  }

  notify(topic: Topic, doer: Doer = 'here'): void {
    for (const listener of this.listeners) listener(topic, doer);
    const wakers = this.waiting.get(topic);
    this.waiting.delete(topic);
    for (const wake of wakers ?? []) wake();
  }

  /**
   * What `read` says, then again whenever it says something else (in its `newsOf`), until `isLast`. No change is
   * missed: waiting begins before reading.
   */
  async *watch<T>(
    topic: Topic,
    read: () => Promise<T>,
    isLast: (value: T) => boolean,
    signal: AbortSignal,
    newsOf: (value: T) => unknown = (value) => value,
  ): AsyncGenerator<T> {
    let seen: string | undefined;
    while (!signal.aborted) {
      const change = this.next(topic, signal);
      try {
        const value = await read();
        const text = JSON.stringify(newsOf(value));
        if (text !== seen) yield value;
        seen = text;
        if (isLast(value)) return;
        await change.happened;
      } finally {
        change.forget();
      }
    }
  }

  private next(topic: Topic, signal: AbortSignal): { happened: Promise<void>; forget: () => void } {
    let wake = (): void => undefined;
    const happened = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const timer = setTimeout(wake, readAgainMs);
    signal.addEventListener('abort', wake, { once: true });
    const wakers = this.waiting.get(topic) ?? new Set();
    this.waiting.set(topic, wakers.add(wake));
    const forget = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      wakers.delete(wake);
      if (wakers.size === 0 && this.waiting.get(topic) === wakers) this.waiting.delete(topic);
    };
    return { happened, forget };
  }
}
