// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { parseSha256 } from '@lockstep/domain/livepatch-model';
import type { ArtifactStore } from './artifact-store';
import { openS3Store } from './s3-store';

const bytes = Buffer.alloc(4_000, 7);
const sha256 = parseSha256(createHash('sha256').update(bytes).digest('hex'));

describe('a bucket that is slow', () => {
  let server: Server;
  afterEach(() => {
    server.close();
    server.closeAllConnections();
  });

  /** A bucket that holds the bytes and sends them in four parts. */
  async function bucketWith(
    pauses: { readonly beforeMs: number; readonly betweenMs: number },
    answerWithinMs: number,
  ): Promise<ArtifactStore> {
    async function* slowly(): AsyncGenerator<Buffer> {
      await sleep(pauses.beforeMs, undefined, { ref: false });
      for (let at = 0; at < bytes.length; at += 1_000) {
        yield bytes.subarray(at, at + 1_000);
        await sleep(pauses.betweenMs);
      }
    }
    server = createServer((request, response) => {
      if (request.method === 'GET' && request.url?.includes('list-type') !== true) {
        Readable.from(slowly()).pipe(response);
      } else {
        response.setHeader('content-length', request.method === 'HEAD' ? bytes.length : 0);
        response.end();
      }
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const place = { endpoint, bucket: 'b', region: 'r', accessKeyId: 'k', secretAccessKey: 's' };
    return openS3Store(place, bytes.length, answerWithinMs);
  }

  test('is read to its end once it has begun to answer', async () => {
    const store = await bucketWith({ beforeMs: 0, betweenMs: 1_000 }, 3_000);
    await store.verify({ sha256, sizeBytes: bytes.length });
  });

  test('is given up when it does not begin', async () => {
    const store = await bucketWith({ beforeMs: 60_000, betweenMs: 0 }, 300);
    await expect(store.verify({ sha256, sizeBytes: bytes.length })).rejects.toMatchObject({
      reason: 'artifact-store-unreachable',
      fields: { found: 'no answer: none within 300 ms' },
    });
  });
});
