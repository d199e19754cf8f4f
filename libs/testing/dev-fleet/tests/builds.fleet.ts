// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
import { startDevFleet, type DevFleet } from '../dev-fleet';
import { eventually } from '../eventually';
import { exampleDiff } from '../example-patches';
import { fleetKernelTree } from '../fleet-kernel';
import { runLockstep, type CommandResult } from '../lockstep-command';

/** Builds for a real kernel by two worker processes, led through the real command. */
let fleet: DevFleet;
let tree: string;

jest.setTimeout(600_000);

beforeAll(async () => {
  tree = await fleetKernelTree();
  fleet = await startDevFleet({ nodes: 1, queue: 'postgres', moreWorkers: 1, workerLockMs: 5_000 });
  writeFileSync(file('a.patch'), exampleDiff(fleet.release, ['a', 'b', 'c'], '1'));
  writeFileSync(file('b.patch'), exampleDiff(fleet.release, ['a', 'd'], '2'));
}, kernelTestSetupMs);

afterAll(() => fleet.stop());

const file = (name: string): string => path.join(fleet.folder, name);
const lockstep = (...args: string[]): Promise<CommandResult> => runLockstep(fleet.server.stateDir, args);

async function ask<T>(...args: string[]): Promise<T> {
  const { code, stdout, stderr } = await lockstep(...args, '--json');
  expect([args.join(' '), code, stderr]).toEqual([args.join(' '), 0, '']);
  return JSON.parse(stdout) as T;
}

interface Submitted {
  readonly builds: readonly [BuildDocument];
}

interface BuildDocument {
  readonly id: string;
  readonly status: string;
  readonly attempts: number;
  readonly builtOnto: readonly string[];
  readonly artifact: { readonly moduleName: string; readonly functions: readonly { readonly name: string }[] };
  readonly log: readonly { readonly worker: string; readonly text: string }[];
}

const submit = async (...args: string[]): Promise<BuildDocument> =>
  (await ask<Submitted>('patch', 'submit', ...args, '--wait')).builds[0];

const namesOf = ({ artifact }: BuildDocument): string[] => artifact.functions.map(({ name }) => name).sort();

/** The stacked form of the second example: its lines go after those of the first. */
function stackedDiff(): string {
  const below = exampleDiff(fleet.release, ['a'], '1').split('\n');
  const added = below.findIndex((line) => line.startsWith('+') && line.includes('lockstep: a1'));
  const lines = below.map((line, index) => (index === added ? ` ${line.slice(1)}` : line));
  lines.splice(added + 1, 0, (below[added] ?? '').replace('lockstep: a1', 'lockstep: a2'));
  const header = lines.findIndex((line) => line.startsWith('@@'));
  lines[header] = (lines[header] ?? '').replace(
    /@@ -(\d+),(\d+) \+(\d+),(\d+) @@/,
    (_, from, count, to, more) => `@@ -${from},${Number(count) + 1} +${to},${Number(more) + 1} @@`,
  );
  return lines.join('\n') + exampleDiff(fleet.release, ['d'], '2');
}

describe('builds by two workers', () => {
  it('a small patch is built in place, and tells why each function changed', async () => {
    const build = await submit(file('a.patch'), '--priority', 'high');
    expect(namesOf(build)).toEqual(['cmdline_proc_show', 'meminfo_proc_show', 'version_proc_show']);
    const shown = await ask<BuildDocument>('build', 'show', build.id);
    expect(shown.log.map(({ text }) => text).join()).not.toContain('divided');
    const { stdout } = await lockstep('patch', 'explain', 'a');
    expect(stdout).toMatch(/vmlinux:meminfo_proc_show \(fs\/proc\/meminfo\.o\)\n {2}\S/);
    await ask('order', 'append', 'a', '--cluster', 'dev');
  });

  it('a conflict names three ways out; built onto the stack the same function has both changes', async () => {
    await submit(file('b.patch'));
    const { code, stdout } = await lockstep('conflicts', 'b', '--cluster', 'dev');
    expect(code).toBe(1);
    expect(stdout.match(/^(?:stack|override|combine):/gm)).toEqual(['stack:', 'override:', 'combine:']);
    writeFileSync(file('b-stacked.patch'), stackedDiff());
    const flat = await lockstep('patch', 'submit', file('b-stacked.patch'), '--wait');
    expect([flat.code, flat.stdout]).toEqual([1, expect.stringContaining('diff-does-not-apply')]);
    const stacked = await submit(file('b-stacked.patch'), '--onto', '1', '--cluster', 'dev');
    expect(stacked.builtOnto).toEqual(['a']);
    expect(namesOf(stacked)).toEqual(['loadavg_proc_show', 'meminfo_proc_show']);
    const { entry } = await ask<{ entry: { body: { load: object } } }>(
      'order',
      'append',
      'b-stacked',
      '--cluster',
      'dev',
    );
    expect(entry.body.load).toMatchObject({ overrides: [1], builtOnto: [1] });
    const retired = await lockstep('order', 'retire', '1', '--cluster', 'dev');
    expect([retired.code, retired.stderr]).toEqual([1, expect.stringContaining('b-stacked')]);
    await ask('rollout', 'start', '--cluster', 'dev', '--wait');
  });

  it('a combined patch takes the whole stack’s place on the nodes', async () => {
    const { builds } = await ask<Submitted>('patch', 'combine', 'a', 'b-stacked', '--name', 'all', '--wait');
    expect(namesOf(builds[0])).toHaveLength(4);
    await ask('order', 'append', 'all', '--cluster', 'dev');
    await ask('rollout', 'start', '--cluster', 'dev', '--wait');
    expect(await fleet.nodes[0]?.holds()).toEqual([builds[0].artifact.moduleName]);
  });

  it('a header that many objects include is divided among the workers; one that dies loses its parts only', async () => {
    const header = 'fs/proc/internal.h';
    const text = readFileSync(path.join(tree, header), 'utf8');
    const at = text.split('\n').findIndex((line) => line.startsWith('static inline struct pid *proc_pid('));
    const lines = text.split('\n').slice(at, at + 4);
    const diff = [
      `--- a/${header}`,
      `+++ b/${header}`,
      `@@ -${at + 1},4 +${at + 1},6 @@`,
      ...lines.slice(0, 2).map((line) => ` ${line}`),
      '+\tif (unlikely(!inode))',
      '+\t\treturn NULL;',
      ...lines.slice(2).map((line) => ` ${line}`),
      '',
    ];
    writeFileSync(file('header.patch'), diff.join('\n'));
    const { builds } = await ask<Submitted>('patch', 'submit', file('header.patch'), '--priority', 'low');
    const [{ id }] = builds;
    const show = (): Promise<BuildDocument> => ask<BuildDocument>('build', 'show', id);
    await eventually(
      'the build is divided',
      async () => (await show()).log.some(({ text: line }) => /divided/.test(line)),
      {
        withinMs: 120_000,
      },
    );
    await fleet.moreWorkers[0]?.kill();
    await lockstep('build', 'watch', id);
    const build = await show();
    expect(build).toMatchObject({ status: 'succeeded' });
    const parts = build.log.filter(({ text: line }) => /^compared/.test(line));
    const [, count] = /in (\d+) parts/.exec(build.log.map(({ text: line }) => line).join('\n')) ?? [];
    expect(parts).toHaveLength(Number(count));
    fleet.moreWorkers[0]?.start();
  });

  it('a build that is cancelled leaves no compiler behind and its workers free', async () => {
    const again = readFileSync(file('header.patch'), 'utf8').replace('(!inode)', '(!inode || !inode->i_ino)');
    writeFileSync(file('cancelled.patch'), again);
    const { builds } = await ask<Submitted>('patch', 'submit', file('cancelled.patch'));
    const [{ id }] = builds;
    await eventually(
      'it is at work',
      async () => (await ask<BuildDocument>('build', 'show', id)).status === 'running',
      {
        withinMs: 60_000,
      },
    );
    expect(await ask('build', 'cancel', id)).toMatchObject({ status: 'cancelled' });
    expect(await submit(file('a.patch'))).toMatchObject({ status: 'succeeded' });
    writeFileSync(file('next.patch'), exampleDiff(fleet.release, ['c'], '9'));
    expect(await submit(file('next.patch'))).toMatchObject({ status: 'succeeded', attempts: 1 });
  });
});
