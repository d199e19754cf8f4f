// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { readBuildSignature } from '@lockstep/domain/klp-module';
import { parseSha256 } from '@lockstep/domain/livepatch-model';
import { openArtifactStore, readWhole } from '@lockstep/io/artifact-store';
import { createBuildKey } from '@lockstep/io/certificates';
import { registerKernelBuild } from '@lockstep/io/kernel-builder';
import { kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
import { startDevFleet, type DevFleet } from '../dev-fleet';
import { eventually } from '../eventually';
import { exampleDiff } from '../example-patches';
import { fleetKernelTree } from '../fleet-kernel';
import type { FleetProcess } from '../fleet-process';
import { createFleetWorker } from '../fleet-server';
import { runLockstep } from '../lockstep-command';

// A patch is built by two workers with caches of their own before anything is signed: real processes, real compilers.

jest.setTimeout(600_000);

let fleet: DevFleet;
let other: FleetProcess;
let another: FleetProcess;

const file = (name: string): string => path.join(fleet.folder, name);
const otherCache = (): string => file('other-cache');
const registeredIn = (cache: string): string => path.join(cache, 'registered', fleet.kernelBuild);

const beside = (name: string, env: Readonly<Record<string, string>>): FleetProcess =>
  createFleetWorker(fleet.folder, fleet.server, undefined, 5_000, name, {
    LOCKSTEP_BUILD_KEY: file('build.key'),
    ...env,
  });

beforeAll(async () => {
  fleet = await startDevFleet({ nodes: 0, queue: 'postgres', workerLockMs: 5_000 });
  await fleet.worker.stop();
  const { privateKeyPem, publicKeyPem } = createBuildKey();
  writeFileSync(file('build.key'), privateKeyPem, { mode: 0o600 });
  writeFileSync(file('build.pub'), publicKeyPem);
  await registerKernelBuild({ path: await fleetKernelTree(), cacheDir: otherCache() });
  another = beside('first', {});
  other = beside('second', { LOCKSTEP_CACHE_DIR: otherCache() });
  for (const [name, mark] of Object.entries({ both: '1', later: '2', differs: '3' }))
    writeFileSync(file(`${name}.patch`), exampleDiff(fleet.release, ['c'], mark));
  another.start();
  other.start();
}, kernelTestSetupMs);

afterAll(async () => {
  await another.stop();
  await other.stop();
  await fleet.stop();
});

interface BuildDocument {
  readonly id: string;
  readonly status: string;
  readonly reproduce: boolean;
  readonly progress?: { readonly stage: string };
  readonly failure?: { readonly reason: string; readonly message: string };
  readonly artifact?: { readonly sha256: string } | null;
  readonly log: readonly { readonly worker: string; readonly text: string }[];
}

async function ask<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await runLockstep(fleet.server.stateDir, [...args, '--json']);
  expect([args.join(' '), code, stderr]).toEqual([args.join(' '), 0, '']);
  return JSON.parse(stdout) as T;
}

const show = (id: string): Promise<BuildDocument> => ask('build', 'show', id);
const submit = async (name: string, ...options: string[]): Promise<string> =>
  (await ask<{ builds: [BuildDocument] }>('patch', 'submit', file(`${name}.patch`), ...options)).builds[0].id;

async function ended(id: string): Promise<BuildDocument> {
  await runLockstep(fleet.server.stateDir, ['build', 'watch', id]);
  return show(id);
}

async function moduleOf(sha256: string): Promise<Buffer> {
  const artifacts = await openArtifactStore(path.join(fleet.server.stateDir, 'artifacts'));
  return Buffer.from(await readWhole(artifacts, parseSha256(sha256)));
}

const workersThat = ({ log }: BuildDocument, text: RegExp): string[] =>
  log.filter((line) => text.test(line.text)).map(({ worker }) => worker);

it('is built by one worker, again by another, and only then signed; the module says so to whoever has it', async () => {
  const build = await ended(await submit('both', '--reproduce'));
  expect(build).toMatchObject({ status: 'succeeded', reproduce: true });
  const [first] = workersThat(build, /^built, sha256 [0-9a-f]{64} without a signature/);
  const [second] = workersThat(build, /^built again, the same byte for byte: it is signed$/);
  expect([first, second]).toEqual([expect.stringMatching(/:\d+$/), expect.stringMatching(/:\d+$/)]);
  expect(first).not.toBe(second);
  const [, unsigned = ''] = /sha256 ([0-9a-f]{64}) without/.exec(build.log.map(({ text }) => text).join('\n')) ?? [];
  const signed = await moduleOf(build.artifact?.sha256 ?? '');
  // What the first has built nobody has signed; what is signed is the same without its signature.
  const unsignedModule = await moduleOf(unsigned);
  expect(readBuildSignature(unsignedModule)).toBe(null);
  expect(Buffer.from(readBuildSignature(signed)?.content ?? []).equals(unsignedModule)).toBe(true);
  writeFileSync(file('both.ko'), signed);
  const verified = await ask<object>('patch', 'verify', file('both.ko'), '--build-keys', file('build.pub'));
  expect(JSON.stringify(verified)).toContain('"reproduced":true');
});

it('what one worker has built alone is built again by two, when that is asked for', async () => {
  const alone = await ended(await submit('later'));
  expect(alone).toMatchObject({ status: 'succeeded', reproduce: false });
  await other.stop();
  const id = await submit('later', '--reproduce');
  expect(id).toBe(alone.id);
  // With one worker it waits, and says for what; it has signed nothing.
  const waiting = await eventually(
    'it waits for another worker',
    async () => {
      const build = await show(id);
      return workersThat(build, /^left to another worker: This worker has built it the first time/).length > 0
        ? build
        : undefined;
    },
    { withinMs: 300_000 },
  );
  expect(waiting.status).toBe('running');
  expect(waiting.artifact).toBeNull();
  // Its own restart makes no second worker of it.
  await another.stop();
  another.start();
  const tries = workersThat(waiting, /^left to another worker/).length;
  await eventually(
    'it is left to others again',
    async () => workersThat(await show(id), /^left to another worker/).length > tries,
    { withinMs: 300_000 },
  );
  other.start();
  const both = await ended(id);
  expect(both).toMatchObject({ status: 'succeeded', reproduce: true });
  expect(both.artifact?.sha256).not.toBe(alone.artifact?.sha256);
});

it('where the two differ nothing is signed, and it is said what differs; mended, it is built', async () => {
  await other.stop();
  const about = path.join(registeredIn(otherCache()), 'kernel-build.json');
  const sound = readFileSync(about, 'utf8');
  writeFileSync(about, sound.replace(/("compiler": ")/, '$1not-'));
  other.start();
  const id = await submit('differs', '--reproduce');
  const failed = await ended(id);
  expect(failed).toMatchObject({
    status: 'failed',
    failure: {
      reason: 'not-reproduced',
      message: expect.stringMatching(
        /Two workers have built it, and not the same: compiler ".*" and ".*"\. Nothing is signed/,
      ),
    },
  });
  const refused = await runLockstep(fleet.server.stateDir, ['order', 'append', 'differs', '--cluster', 'dev']);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('has a build that is failed')]);
  await other.stop();
  writeFileSync(about, sound);
  other.start();
  expect(await submit('differs', '--reproduce')).toBe(id);
  expect(await ended(id)).toMatchObject({ status: 'succeeded', reproduce: true });
});
