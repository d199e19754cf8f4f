// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { LockstepError, parseSha256, type Sha256 } from '@lockstep/domain/livepatch-model';
import { AwsClient } from 'aws4fetch';
import {
  chunkBytes,
  damaged,
  defaultMaxArtifactBytes,
  missing,
  offsetPastEnd,
  refuseTooLarge,
  type ArtifactStore,
  type KeptArtifact,
} from './artifact-store';

export interface S3Place {
  /** `https://s3.eu-central-1.amazonaws.com`, `http://127.0.0.1:9000`; the bucket goes into the path. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Before every key, `lockstep/`; empty if undefined. */
  readonly prefix?: string | undefined;
}

/** Times of a request, doubled between; a bucket that is busy for longer is reported. */
const retries = 3;
/** For the answer to begin. Its body takes as long as it takes: a slow reader at the far end holds it back. */
const answerTimeoutMs = 30_000;

/** Requests to one bucket, signed; failures as errors that say what to correct. */
class Bucket {
  private readonly client: AwsClient;
  private readonly base: string;

  constructor(
    private readonly place: S3Place,
    private readonly answerWithinMs: number,
  ) {
    const { accessKeyId, secretAccessKey, region } = place;
    this.client = new AwsClient({ accessKeyId, secretAccessKey, region, service: 's3', retries });
    this.base = `${place.endpoint.replace(/\/$/, '')}/${encodeURIComponent(place.bucket)}`;
  }

  /** @param path `/key` or `?query` @returns any answer in `accepted` */
  async request(method: string, path: string, accepted: readonly number[], init: RequestInit = {}): Promise<Response> {
    const response = await this.answer(path, { method, ...init }).catch((cause: unknown) => {
      throw this.unreachable(`no answer: ${(cause as Error).message}`, cause);
    });
    if (accepted.includes(response.status)) return response;
    const code = /<Code>(.*?)<\/Code>/.exec(await response.text())?.[1] ?? '';
    throw this.unreachable(`${method} was answered with ${response.status} ${code}`.trim());
  }

  private async answer(path: string, init: RequestInit): Promise<Response> {
    const waiting = new AbortController();
    const timer = setTimeout(() => {
      waiting.abort(new Error(`none within ${this.answerWithinMs} ms`));
    }, this.answerWithinMs);
    try {
      return await this.client.fetch(this.base + path, { ...init, signal: waiting.signal });
    } finally {
      clearTimeout(timer);
    }
  }

  private unreachable(found: string, cause?: unknown): LockstepError {
    const { endpoint, bucket } = this.place;
    const message = `The artifact store in bucket ${bucket} of ${endpoint} cannot be used (${found}): check address, bucket and keys.`;
    return new LockstepError(
      'unavailable',
      'artifact-store-unreachable',
      message,
      { endpoint, bucket, found },
      { cause },
    );
  }
}

/**
 * The store in a bucket that speaks S3: `PREFIXab/abcd….ko`. The server compares each upload with its sha256.
 * @throws LockstepError `unavailable` `artifact-store-unreachable`
 */
export async function openS3Store(
  place: S3Place,
  maxArtifactBytes = defaultMaxArtifactBytes,
  answerWithinMs = answerTimeoutMs,
): Promise<ArtifactStore> {
  const bucket = new Bucket(place, answerWithinMs);
  const { prefix = '' } = place;
  const pathOf = (sha256: Sha256): string => `/${prefix}${sha256.slice(0, 2)}/${sha256}.ko`;
  await bucket.request('GET', '?list-type=2&max-keys=1', [200]);

  async function sizeOf(sha256: Sha256): Promise<number> {
    const response = await bucket.request('HEAD', pathOf(sha256), [200, 404]);
    if (response.status === 404) throw missing(sha256);
    return Number(response.headers.get('content-length'));
  }

  async function* read(sha256: Sha256, offset: number): AsyncGenerator<Uint8Array> {
    const sizeBytes = await sizeOf(sha256);
    if (!Number.isSafeInteger(offset) || offset < 0 || offset > sizeBytes)
      throw offsetPastEnd(sha256, offset, sizeBytes);
    // No range begins at the end.
    if (offset === sizeBytes) return;
    const headers = { range: `bytes=${offset}-` };
    const response = await bucket.request('GET', pathOf(sha256), [200, 206, 404], { headers });
    if (response.status === 404 || response.body === null) throw missing(sha256);
    for await (const part of response.body) yield* chunksOf(part as Uint8Array);
  }

  return {
    maxArtifactBytes,
    async put(bytes) {
      refuseTooLarge(bytes, maxArtifactBytes);
      const sha256 = parseSha256(createHash('sha256').update(bytes).digest('hex'));
      const headers = { 'x-amz-content-sha256': sha256, 'content-type': 'application/octet-stream' };
      await bucket.request('PUT', pathOf(sha256), [200], { headers, body: Buffer.from(bytes) });
      return { sha256, sizeBytes: bytes.length };
    },
    async verify({ sha256, sizeBytes }) {
      const hash = createHash('sha256');
      let size = 0;
      for await (const chunk of read(sha256, 0)) {
        hash.update(chunk);
        size += chunk.length;
      }
      if (size !== sizeBytes || hash.digest('hex') !== sha256) throw damaged(sha256, sizeBytes, size);
    },
    read,
    disk: () => Promise.resolve(undefined),
    list: async () => listBucket(bucket, prefix),
    async remove({ sha256, usedAtMs }) {
      const found = await bucket.request('HEAD', pathOf(sha256), [200, 404]);
      if (Date.parse(found.headers.get('last-modified') ?? '') > usedAtMs) return false;
      await bucket.request('DELETE', pathOf(sha256), [200, 204, 404]);
      return true;
    },
  };
}

function* chunksOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}

/** All pages of ListObjectsV2. Our keys hold no character that XML escapes; others' are passed over. */
async function listBucket(bucket: Bucket, prefix: string): Promise<KeptArtifact[]> {
  const kept: KeptArtifact[] = [];
  let token: string | undefined;
  do {
    const query = new URLSearchParams({ 'list-type': '2', prefix });
    if (token !== undefined) query.set('continuation-token', token);
    const page = await (await bucket.request('GET', `?${query.toString()}`, [200])).text();
    for (const [, entry = ''] of page.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      const field = (name: string): string => new RegExp(`<${name}>(.*?)</${name}>`).exec(entry)?.[1] ?? '';
      const sha256 = /^[0-9a-f]{2}\/([0-9a-f]{64})\.ko$/.exec(field('Key').slice(prefix.length))?.[1];
      if (sha256 === undefined) continue;
      const usedAtMs = Date.parse(field('LastModified'));
      kept.push({ sha256: parseSha256(sha256), sizeBytes: Number(field('Size')), usedAtMs });
    }
    const isLast = !page.includes('<IsTruncated>true</IsTruncated>');
    token = isLast ? undefined : /<NextContinuationToken>(.*?)</.exec(page)?.[1];
  } while (token !== undefined);
  return kept;
}
