// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';

// A message goes behind its length: 4 bytes, big-endian.

const lengthBytes = 4;

const lengthOf = (message: Uint8Array): Buffer => {
  const length = Buffer.alloc(lengthBytes);
  length.writeUInt32BE(message.length);
  return length;
};

export const frameOf = (message: Uint8Array): Buffer => Buffer.concat([lengthOf(message), message]);

const broken = (reason: string, message: string): LockstepError => new LockstepError('invalid-input', reason, message);

/**
 * The messages in a stream of bytes, however it is cut. No more than one message and what came with its end is kept, and
 * nothing of one that says it is longer than `maxBytes`.
 * @throws LockstepError `invalid-input`: `message-too-long`, `message-cut-off`
 */
export async function* readFrames(bytes: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array> {
  let parts: Uint8Array[] = [];
  let size = 0;
  let wanted = lengthBytes;
  let isLength = true;
  for await (const chunk of bytes) {
    parts.push(chunk);
    size += chunk.length;
    if (size < wanted) continue;
    let rest = Buffer.concat(parts);
    while (rest.length >= wanted) {
      const part = rest.subarray(0, wanted);
      rest = rest.subarray(wanted);
      if (!isLength) yield part;
      wanted = isLength ? part.readUInt32BE() : lengthBytes;
      isLength = !isLength;
      if (wanted > maxBytes && !isLength) {
        throw broken('message-too-long', `A message of ${wanted} bytes was announced, and ${maxBytes} are the most.`);
      }
    }
    parts = [rest];
    size = rest.length;
  }
  if (size > 0 || !isLength) throw broken('message-cut-off', 'The connection ended in the middle of a message.');
}
