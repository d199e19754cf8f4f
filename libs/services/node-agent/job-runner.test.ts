// SPDX-License-Identifier: GPL-2.0-only
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { status, Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { errorFromStatus, statusFromError } from '@lockstep/contracts/wire';
import { ArtifactFiles, type ArtifactSource } from '@lockstep/io/agent-journal';
import { DirectoryKernel } from '@lockstep/testing/directory-kernel';
import {
  LockstepError,
  type ArtifactManifest,
  type ErrorKind,
  type KernelBuildId,
} from '@lockstep/domain/livepatch-model';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { runJob } from './job-runner';
import { problemFrom } from './problem';

// How a fetch fails: a rollout halts at every reason but `server-away`.

const bytes = Buffer.from('the module');
const artifact = {
  sha256: sha256OfBytes(bytes),
  sizeBytes: bytes.length,
  moduleName: 'lockstep_a',
} as ArtifactManifest;

let folder: string;
let kernel: DirectoryKernel;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'lockstep-job-'));
  const kernelBuild = 'ab'.repeat(20) as KernelBuildId;
  kernel = await DirectoryKernel.create(path.join(folder, 'kernel'), { kernelBuild, release: '6.1.0-test' });
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** The reason of a fetch from `source`; undefined when it succeeds. */
async function reasonOf(
  source: ArtifactSource,
  artifacts = path.join(folder, 'artifacts'),
): Promise<string | undefined> {
  const machine = { kernel, artifacts: new ArtifactFiles(artifacts), holdFile: '', fetch: () => source };
  return runJob({ kind: 'fetch', artifact }, machine).then(
    () => undefined,
    (error: unknown) => problemFrom(error).reason,
  );
}

const sending = (...chunks: Buffer[]): ArtifactSource =>
  async function* () {
    for (const chunk of chunks) yield await Promise.resolve(chunk);
  };

/** Breaks off in the middle with what a server threw, as it comes through gRPC. */
const breakingWith = (thrown: unknown, cancelledHere = false): ArtifactSource =>
  async function* (offset) {
    if (offset === 0) yield await Promise.resolve(bytes.subarray(0, 4));
    throw errorFromStatus(Object.assign(new Error(), statusFromError(thrown)) as ServiceError, cancelledHere);
  };

const breakingWithCode = (code: status): ArtifactSource =>
  async function* () {
    yield await Promise.resolve(bytes.subarray(0, 4));
    const error = Object.assign(new Error(), { code, details: 'x', metadata: new Metadata() });
    throw errorFromStatus(error, false);
  };

test.each(['unavailable', 'cancelled', 'internal'] as ErrorKind[])('%s of the server is tried again', async (kind) => {
  expect(await reasonOf(breakingWith(new LockstepError(kind, 'of-the-server', 'x')))).toBe('server-away');
  expect(await reasonOf(sending(bytes.subarray(4)))).toBeUndefined();
});

test('so is an error that the server did not foresee, and a call that ends here', async () => {
  expect(await reasonOf(breakingWith(new Error('its database went away')))).toBe('server-away');
  expect(await reasonOf(breakingWith(new LockstepError('cancelled', 'stopping', 'x'), true))).toBe('server-away');
});

test.each(['RESOURCE_EXHAUSTED', 'DEADLINE_EXCEEDED', 'ABORTED', 'UNKNOWN', 'CANCELLED'] as const)(
  'so is %s of a proxy or of gRPC itself',
  async (code) => {
    expect(await reasonOf(breakingWithCode(status[code]))).toBe('server-away');
  },
);

test('so is a transfer that ends too soon without an error; it goes on where it was', async () => {
  expect(await reasonOf(sending(bytes.subarray(0, 4)))).toBe('server-away');
  expect(await reasonOf(sending(bytes.subarray(4)))).toBeUndefined();
});

test.each(['not-found', 'refused', 'unauthenticated', 'forbidden', 'invalid-input', 'corrupt'] as ErrorKind[])(
  'what the server says of this module or node is a failure of its own: %s',
  async (kind) => {
    expect(await reasonOf(breakingWith(new LockstepError(kind, 'of-the-server', 'x')))).toBe('of-the-server');
  },
);

test('bytes that do not match are a failure', async () => {
  expect(await reasonOf(sending(Buffer.from('THE module')))).toBe('artifact-damaged');
});

test('trouble of this host’s own disk is a failure, also in the middle of a transfer', async () => {
  writeFileSync(path.join(folder, 'file'), '');
  expect(await reasonOf(sending(bytes), path.join(folder, 'file', 'artifacts'))).toBe('system-enotdir');
  const removing: ArtifactSource = async function* () {
    yield await Promise.resolve(bytes);
    rmSync(path.join(folder, 'artifacts'), { recursive: true });
  };
  expect(await reasonOf(removing)).toBe('artifact-damaged');
});
