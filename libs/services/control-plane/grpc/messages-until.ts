// SPDX-License-Identifier: GPL-2.0-only
import { on } from 'node:events';
import type { Readable } from 'node:stream';

/**
 * The messages of `source` until it ends, or until `signal` aborts: then its reason is thrown. They are taken by events:
 * a stream's own iterator destroys it as soon as an error is emitted on it, and with it the status that gRPC would send
 * after what is still being written, so that the peer waits for ever. Each is read when it is its turn.
 */
export async function* messagesUntil<T>(
  source: Readable,
  signal: AbortSignal,
  read?: (bytes: Buffer) => T,
): AsyncGenerator<T> {
  // One message waits here at most, the rest with the peer.
  const limits = { close: ['end', 'close'], highWaterMark: 1, lowWaterMark: 1 };
  try {
    for await (const [message] of on(source, 'data', { signal, ...limits }))
      yield read === undefined ? (message as T) : read(message as Buffer);
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
