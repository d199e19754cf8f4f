// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { eventually, fleetProcess, type FleetProcess } from '@lockstep/testing/dev-fleet';
import { temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { repositoryRoot } from '@lockstep/testing/qemu-machine';
import type { Browser } from 'playwright-core';
import { pictures } from './appearance';
import { startBrowser, Visitor } from './browser';

/** It builds a kernel where none is in the cache. */
const toldWithinMs = 1_800_000;
const doneWithinMs = 1_200_000;
jest.setTimeout(toldWithinMs + doneWithinMs);

const machines = ['node-1', 'node-2', 'node-3'] as const;

let folder: TemporaryFolder;
let demo: FleetProcess;
let browser: Browser;
let ada: Visitor;

const said = (): string => readFileSync(demo.logFile, 'utf8');

/** The first that it says in this form. */
const told = (form: RegExp, withinMs: number): Promise<string> =>
  eventually(
    `the demo says ${form.source}`,
    () => {
      const [, found] = form.exec(said()) ?? [];
      if (found === undefined) demo.assertRunning();
      return Promise.resolve(found);
    },
    { withinMs, everyMs: 500 },
  );

/** Of any process whose command names a file of the demo's. */
const leftRunning = (): string[] =>
  readdirSync('/proc').flatMap((pid) => {
    try {
      const command = /^\d+$/.test(pid) ? readFileSync(`/proc/${pid}/cmdline`, 'utf8') : '';
      return command.includes(workDir()) ? [command.replaceAll('\0', ' ')] : [];
    } catch {
      return [];
    }
  });

const workDir = (): string => path.join(folder.path, 'tmp');

beforeAll(async () => {
  folder = await temporaryFolder('console-demo');
  mkdirSync(workDir());
  mkdirSync(pictures, { recursive: true });
  const source = process.env['LOCKSTEP_KERNEL_SRC'];
  demo = fleetProcess({
    ...{ name: 'demo', command: process.execPath, logFile: path.join(folder.path, 'demo.log') },
    args: [path.join(repositoryRoot, 'tools/demo/start.mjs'), '--keep'],
    env: { TMPDIR: workDir(), ...(source === undefined ? {} : { LOCKSTEP_KERNEL_SRC: source }) },
  });
  demo.start();
  browser = await startBrowser();
});

afterAll(async () => {
  await browser.close();
  await demo.stop();
  await folder.remove();
});

test('the demo says where its console is, and a sign-in that works at once', async () => {
  const url = await told(/(https:\S+\/console\/)\n/, toldWithinMs);
  const token = await told(/sign in with (lockstep_\S+)\n/, toldWithinMs);
  ada = await Visitor.come(browser, url);
  await ada.signIn(token);
});

test('its three machines come, and move on it', async () => {
  const { page } = ada;
  page.setDefaultTimeout(doneWithinMs);
  await ada.open('nodes?cluster=demo');
  for (const name of machines) await page.getByRole('link', { name, exact: true }).waitFor();
  await ada.open('rollouts');
  await page.getByRole('link', { name: 'demo to 1' }).click();
  const summary = page.locator('.page-summary');
  const seen = new Set<string>();
  await eventually(
    'all of them are there',
    async () => {
      const [count] = /\d of 3 nodes there/.exec(await summary.innerText()) ?? [];
      if (count !== undefined) seen.add(count);
      return count === '3 of 3 nodes there' ? true : undefined;
    },
    { withinMs: doneWithinMs, everyMs: 100 },
  );
  expect(seen.size).toBeGreaterThan(1);
});

test('it is left running where the story has ended, and each machine’s kernel tells how it was switched', async () => {
  const { page } = ada;
  await told(/(It is left running until Ctrl-C)/, doneWithinMs);
  for (const name of machines) {
    await ada.open(`nodes/${name}`);
    await page.getByText('position 2', { exact: true }).waitFor();
    await page.locator('.page-summary').getByText('in step').waitFor();
    await page.getByRole('region', { name: 'Last switch', exact: true }).getByText('system', { exact: true }).waitFor();
  }
  await page.screenshot({ path: path.join(pictures, 'demo-node.png') });
  await ada.open('load-order?cluster=demo');
  await page.getByText('torn: 2 of 3 run').waitFor();
  expect(ada.complaints).toEqual([]);
});

test('Ctrl-C ends all of it and leaves nothing', async () => {
  expect(leftRunning()).not.toEqual([]);
  process.kill(demo.pid()!, 'SIGINT');
  await eventually('it has ended', () => Promise.resolve(demo.isRunning() ? undefined : true), { withinMs: 120_000 });
  expect(await demo.stop()).toBe(0);
  expect(leftRunning()).toEqual([]);
  expect(readdirSync(workDir())).toEqual([]);
});
