// SPDX-License-Identifier: GPL-2.0-only
import type { Readable } from 'node:stream';

/**
 * What has come and was not taken yet. `events.on` would do the same with queues that begin with room for two thousand each: of ten thousand
 * streams they are 330 MB.
 */
class Inbox {
  private readonly messages: unknown[] = [];
  private failure: { readonly error: unknown } | undefined;
  private hasEnded = false;
  private wake: (() => void) | undefined;

  constructor(
    private readonly source: Readable,
    private readonly signal: AbortSignal,
  ) {
    source.on('data', this.onData);
    source.on('error', this.onError);
    for (const event of ['end', 'close']) source.on(event, this.onEnd);
    signal.addEventListener('abort', this.wakeReader);
  }

  /** @returns whether there is a message; false at the end. */
  async hasNext(): Promise<boolean> {
    for (;;) {
      this.signal.throwIfAborted();
      if (this.messages.length > 0) return true;
      if (this.failure !== undefined) throw this.failure.error;
      if (this.hasEnded) return false;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        if (this.source.isPaused()) this.source.resume();
      });
    }
  }

  take(): unknown {
    return this.messages.shift();
  }

  close(): void {
    this.source.off('data', this.onData);
    this.source.off('error', this.onError);
    for (const event of ['end', 'close']) this.source.off(event, this.onEnd);
    this.signal.removeEventListener('abort', this.wakeReader);
  }

  private readonly wakeReader = (): void => {
    this.wake?.();
    this.wake = undefined;
  };

  /** What nobody waits for waits here, one or two; the rest with the peer. */
  private readonly onData = (message: unknown): void => {
    this.messages.push(message);
    if (this.wake === undefined) this.source.pause();
    this.wakeReader();
  };

  private readonly onError = (error: unknown): void => {
    this.failure ??= { error };
    this.wakeReader();
  };

  private readonly onEnd = (): void => {
    this.hasEnded = true;
    this.wakeReader();
  };
}

/**
 * The messages of `source` until it ends, or until `signal` aborts: then its reason is thrown. They are taken by events:
 * a stream's own iterator destroys it as soon as an error is emitted on it, and with it the status that gRPC would send
 * after what is still being written, so that the peer waits for ever. Each is read when it is its turn.
 * @param turn what a message waits for before it is read; undefined: nothing
 */
export async function* messagesUntil<T>(
  source: Readable,
  signal: AbortSignal,
  read?: (bytes: Buffer) => T,
  turn?: () => Promise<void> | undefined,
): AsyncGenerator<T> {
  signal.throwIfAborted();
  const inbox = new Inbox(source, signal);
  // What a suspended generator has had in its hands it keeps: bytes never are.
  const next = (): T => {
    const message = inbox.take();
    return read === undefined ? (message as T) : read(message as Buffer);
  };
  try {
    while (await inbox.hasNext()) {
      const waited = turn?.();
      if (waited !== undefined) await waited;
      signal.throwIfAborted();
      yield next();
    }
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    inbox.close();
  }
}
