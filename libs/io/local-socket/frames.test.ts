// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { frameOf, readFrames } from './frames';

const maxBytes = 1000;

async function read(bytes: Uint8Array, cuts: readonly number[] = []): Promise<{ got: number[][]; reason?: string }> {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  async function* stream(): AsyncGenerator<Uint8Array> {
    for (const [i, from] of places.slice(0, -1).entries())
      yield await Promise.resolve(bytes.subarray(from, places[i + 1]));
  }
  const got: number[][] = [];
  try {
    for await (const message of readFrames(stream(), maxBytes)) got.push([...message]);
  } catch (error) {
    return { got, reason: (error as { reason: string }).reason };
  }
  return { got };
}

const messages = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 });

test('messages arrive as they were sent, wherever the stream is cut', async () => {
  await fc.assert(
    fc.asyncProperty(messages, fc.array(fc.nat(), { maxLength: 12 }), async (sent, cuts) => {
      expect(await read(Buffer.concat(sent.map(frameOf)), cuts)).toEqual({ got: sent.map((one) => [...one]) });
    }),
  );
});

test('a stream that ends in the middle gives the whole messages before it, and says so', async () => {
  await fc.assert(
    fc.asyncProperty(messages, fc.uint8Array({ maxLength: 40 }), fc.nat(), async (sent, last, cut) => {
      const torn = frameOf(last);
      const kept = torn.subarray(0, 1 + (cut % (torn.length - 1)));
      expect(await read(Buffer.concat([...sent.map(frameOf), kept]))).toEqual({
        got: sent.map((one) => [...one]),
        reason: 'message-cut-off',
      });
    }),
  );
});

test('of a message that is too long nothing but its length is read', async () => {
  let asked = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    yield frameOf(new Uint8Array(maxBytes));
    yield await Promise.resolve(Uint8Array.of(0, 0, 3, 233));
    for (;;) {
      asked += 1;
      yield new Uint8Array(100);
    }
  }
  const frames = readFrames(endless(), maxBytes);
  expect((await frames.next()).value).toHaveLength(maxBytes);
  await expect(frames.next()).rejects.toMatchObject({ kind: 'invalid-input', reason: 'message-too-long' });
  expect(asked).toBe(0);
});
