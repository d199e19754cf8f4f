// SPDX-License-Identifier: GPL-2.0-only
import { execFileSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
import { startDevFleet, type DevFleet } from '../dev-fleet';
import { eventually } from '../eventually';
import { exampleDiff } from '../example-patches';
import type { FleetProcess } from '../fleet-process';
import { createFleetWorker } from '../fleet-server';
import { runLockstep } from '../lockstep-command';

/** A real kernel build goes from the worker that registered it to one on another machine: one with a cache of its own. */
let fleet: DevFleet;

jest.setTimeout(600_000);

beforeAll(async () => {
  fleet = await startDevFleet({ nodes: 0, queue: 'postgres', workerLockMs: 5_000, shareKernels: true });
  writeFileSync(file('a.patch'), exampleDiff(fleet.release, ['a', 'b', 'c'], '1'));
  writeFileSync(file('b.patch'), exampleDiff(fleet.release, ['a', 'd'], '2'));
}, kernelTestSetupMs);

afterAll(async () => {
  for (const worker of others) await worker.stop();
  // A hundred thousand files: Node takes minutes.
  execFileSync('rm', ['-rf', file('other-cache')]);
  await fleet.stop();
});

const others: FleetProcess[] = [];
const file = (name: string): string => path.join(fleet.folder, name);

/** A worker of the fleet with another cache. */
function startOther(name: string, env: Record<string, string> = {}): FleetProcess {
  const worker = createFleetWorker(fleet.folder, fleet.server, undefined, 5_000, name, {
    LOCKSTEP_CACHE_DIR: file('other-cache'),
    ...env,
  });
  worker.start();
  others.push(worker);
  return worker;
}

async function ask<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await runLockstep(fleet.server.stateDir, [...args, '--json']);
  expect([args.join(' '), code, stderr]).toEqual([args.join(' '), 0, '']);
  return JSON.parse(stdout) as T;
}

interface BuildDocument {
  readonly id: string;
  readonly status: string;
  readonly artifact: { readonly sha256: string };
  readonly log: readonly { readonly text: string }[];
}

const begin = async (...args: string[]): Promise<string> =>
  (await ask<{ builds: [BuildDocument] }>('patch', 'submit', ...args)).builds[0].id;
const show = (id: string): Promise<BuildDocument> => ask<BuildDocument>('build', 'show', id);

async function ended(id: string): Promise<BuildDocument> {
  await runLockstep(fleet.server.stateDir, ['build', 'watch', id]);
  const build = await show(id);
  expect(build).toMatchObject({ status: 'succeeded' });
  return build;
}

const linesOf = ({ log }: BuildDocument): string => log.map(({ text }) => text).join('\n');
const registered = (): string => path.join(file('other-cache'), 'registered', fleet.kernelBuild);
const isRegistered = (): boolean => existsSync(path.join(registered(), '.complete'));

let first: BuildDocument;

it('is shared in the background, while the worker that has it builds', async () => {
  first = await ended(await begin(file('a.patch')));
  const shared = await eventually(
    'the kernel build is shared',
    async () => {
      const { kernelBuilds } = await ask<{ kernelBuilds: [{ sharedBytes: string }] }>('kernel', 'ls');
      return Number(kernelBuilds[0].sharedBytes) > 0 ? Number(kernelBuilds[0].sharedBytes) : undefined;
    },
    { withinMs: 300_000, everyMs: 500 },
  );
  expect(shared).toBeGreaterThan(10_000_000);
});

it('is fetched by a worker that lacks it, even when that is killed meanwhile, and its module is the same', async () => {
  await fleet.worker.stop();
  const { sha256 } = first.artifact;
  rmSync(path.join(fleet.server.stateDir, 'artifacts', sha256.slice(0, 2), `${sha256}.ko`));
  const worker = startOther('other-worker');
  const id = await begin(file('a.patch'));
  expect(id).toBe(first.id);
  await eventually(
    'the tree is being unpacked',
    () => existsSync(path.join(registered(), 'tree/Makefile')) || undefined,
    { withinMs: 120_000, everyMs: 5 },
  );
  await worker.kill();
  expect(isRegistered()).toBe(false);
  worker.start();
  const again = await ended(id);
  expect(linesOf(again)).toMatch(/fetched kernel build \w+: \d+ MB in [\d.]+ s\ncompared/);
  expect(again.artifact).toEqual(first.artifact);
});

it('stays there for the next patch, until the cache is too small for it', async () => {
  const next = await ended(await begin(file('b.patch')));
  expect(linesOf(next)).not.toContain('fetched');
  await others[0]?.stop();
  const small = startOther('small-worker', { LOCKSTEP_CACHE_MAX_BYTES: '1000000' });
  await eventually('it is evicted', () => (existsSync(registered()) ? undefined : true), { withinMs: 60_000 });
  await small.stop();
});
