// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { parseModuleName } from '@lockstep/domain/livepatch-model';
import { eventually, exampleDiff, fleetProcess, type FleetProcess } from '@lockstep/testing/dev-fleet';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { repositoryRoot } from '@lockstep/testing/qemu-machine';
import type { Browser } from 'playwright-core';
import { checkAppearance } from './appearance';
import { startBrowser, Visitor } from './browser';
import { rollOutMeminfoFix, startFleetWithConsole, type ConsoleFleet } from './console-fleet';

jest.setTimeout(600_000);

const builtWithinMs = 300_000;
const peerScript = path.join(repositoryRoot, 'libs/services/control-plane/tests/oidc-peer.mjs');

/** In a function that `meminfo-fix` changes too, at another place: what is built onto that one has both. */
const overlapping = [
  ...['--- a/fs/proc/meminfo.c', '+++ b/fs/proc/meminfo.c', '@@ -41,6 +41,7 @@', ' '],
  ...[' \tsi_meminfo(&i);', ' \tsi_swapinfo(&i);', '+\tseq_puts(m, "lockstep: a2\\n");'],
  ...[' \tcommitted = vm_memory_committed();', ' ', ' \tcached = global_node_page_state(NR_FILE_PAGES) -', ''],
].join('\n');

let folder: TemporaryFolder;
let provider: FleetProcess;
let world: ConsoleFleet;
let browser: Browser;
let alice: Visitor;
let bob: Visitor;

const groupsOf = { alice: ['kernel-team'], bob: ['reviewers'], carol: ['auditors'] };
const groups = [
  { group: 'kernel-team', roles: ['operator'], everywhere: true },
  { group: 'reviewers', roles: ['approver'], everywhere: true },
  { group: 'auditors', roles: ['auditor'], everywhere: true },
];

/** Resolves when it answers. */
async function startProvider(redirectUri: string, port: number): Promise<FleetProcess> {
  const started = fleetProcess({
    ...{ name: 'provider', command: process.execPath, env: {}, logFile: path.join(folder.path, 'provider.log') },
    args: [peerScript, String(port), redirectUri, JSON.stringify(groupsOf)],
  });
  started.start();
  const isReady = () => (readFileSync(started.logFile, 'utf8').includes('ready') ? true : undefined);
  await eventually('the provider answers', isReady, { withinMs: 60_000 });
  return started;
}

beforeAll(async () => {
  folder = await temporaryFolder('console-story');
  const [httpPort, peerPort] = [await freePort(), await freePort()];
  const publicUrl = `https://localhost:${httpPort}`;
  provider = await startProvider(`${publicUrl}/v1/session/oidc/callback`, peerPort);
  const oidcFile = path.join(folder.path, 'oidc.json');
  const client = { clientId: 'lockstep', clientSecret: 'a-secret-that-only-the-two-of-them-know' };
  const issuer = `http://127.0.0.1:${peerPort}`;
  await writeFile(oidcFile, JSON.stringify({ issuer, ...client, publicUrl, groups, label: 'Example' }));
  world = await startFleetWithConsole(3, { LOCKSTEP_OIDC_FILE: oidcFile }, httpPort);
  const { fleet } = world;
  await rollOutMeminfoFix(fleet);
  const approvals = { needed: 1, approvers: [], validSeconds: 0 };
  await fleet.operator.fleet.updateCluster({ name: fleet.cluster, approvals });
  browser = await startBrowser();
  alice = await Visitor.come(browser, world.consoleUrl);
  bob = await Visitor.come(browser, world.consoleUrl);
});

afterAll(async () => {
  await browser.close();
  await world.fleet.stop();
  await provider.stop();
  await folder.remove();
});

const button = (visitor: Visitor, name: string | RegExp) => visitor.page.getByRole('button', { name });

/** What bob is asked for, at the address that alice is at. */
async function approve(): Promise<void> {
  await bob.page.goto(alice.page.url());
  await button(bob, 'Approve').click();
  await bob.page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click();
  await bob.page.getByRole('region', { name: 'Approvals' }).getByText('1 of 1').waitFor();
}

test('people sign in by the button of their identity provider, each with the rights of their groups', async () => {
  await alice.signInByProvider('Example', 'alice');
  await bob.signInByProvider('Example', 'bob');
  await alice.page.getByText('alice@example.org').waitFor();
});

test('a diff is submitted and built', async () => {
  await alice.open('patches');
  await button(alice, 'Submit a diff').click();
  const dialog = alice.page.getByRole('dialog');
  const diff = exampleDiff(world.fleet.release, ['d'], '2') + overlapping;
  const file = { name: 'loadavg-fix.patch', mimeType: 'text/x-diff', buffer: Buffer.from(diff) };
  await dialog.locator('input[type="file"]').setInputFiles(file);
  expect(await dialog.getByLabel('Name').inputValue()).toBe('loadavg-fix');
  await dialog.getByLabel('CVEs').fill('CVE-2024-26581');
  await button(alice, 'Submit and build').click();
  await alice.page.getByRole('heading', { name: 'loadavg-fix' }).waitFor();
  await alice.page.getByText('built', { exact: true }).waitFor({ timeout: builtWithinMs });
});

test('its conflict is seen on the picture, and it is stacked', async () => {
  await alice.open('load-order?cluster=dev');
  await button(alice, 'loadavg-fix').click();
  await alice.page.getByText('1 conflict.').waitFor();
  await alice.page.getByText('meminfo-fix’s').waitFor();
  await button(alice, 'Build it onto 1').click();
  await alice.page.getByText('onto meminfo-fix').waitFor({ timeout: builtWithinMs });
  await alice.page
    .locator('.build', { hasText: 'onto meminfo-fix' })
    .getByText('built', { exact: true })
    .waitFor({ timeout: builtWithinMs });
  await alice.open('load-order?cluster=dev&draft=loadavg-fix');
  await alice.page.getByText('Nothing is in its way').waitFor();
  await button(alice, 'Append loadavg-fix').click();
  await alice.page.getByText('Position 2 of 2').waitFor();
});

test('a rollout waits for another person, who sees what it would do and what is otherwise than before', async () => {
  const { nodes, operator } = world.fleet;
  const { builds } = await operator.build.listBuilds({ patch: 'loadavg-fix' });
  const stacked = builds.find(({ builtOnto }) => builtOnto.length > 0)!;
  // Whichever of them is the canary.
  const refuseLoads = [parseModuleName(stacked.artifact!.moduleName)];
  for (const { kernel } of nodes) await kernel.change({ refuseLoads });
  await alice.open('rollouts');
  await button(alice, 'Start a rollout').click();
  await button(alice, 'Start exactly this').click();
  await alice.page.getByRole('heading', { name: 'dev to 2' }).waitFor();
  const own = button(alice, 'Approve');
  await own.waitFor();
  expect(await own.getAttribute('aria-description')).toMatch(/may not approve/);
  await bob.page.goto(alice.page.url());
  await bob.page.getByText('#2 loads loadavg-fix.').waitFor();
  expect(await bob.page.locator('.plan-steps').allInnerTexts()).toEqual(
    expect.arrayContaining([expect.stringContaining('load lockstep_loadavg_fix')]),
  );
  await approve();
});

test('a canary fails while it is watched, and everybody is told why', async () => {
  await alice.page.getByText('Halted: nobody further starts.').waitFor({ timeout: 180_000 });
  await alice.page.getByRole('alert').getByText('It was told so').waitFor();
  expect(await button(alice, 'Try again').getAttribute('aria-disabled')).toBe('true');
  for (const colorScheme of ['light', 'dark'] as const) {
    await checkAppearance(alice.page, 'rollout-halted', colorScheme);
  }
});

test('it is rolled back, as it was shown and approved', async () => {
  await button(alice, 'Roll back').click();
  await alice.page.getByRole('dialog').getByText('loadavg-fix (2)').waitFor();
  await button(alice, 'Roll back exactly like this').click();
  await alice.page.getByRole('heading', { name: 'dev to 3' }).waitFor();
  await approve();
  await alice.page.getByText('3 of 3 nodes there').waitFor({ timeout: 180_000 });
  expect([...alice.complaints, ...bob.complaints]).toEqual([]);
});

test('the CVE that was rolled back is open on every node, the other one on none', async () => {
  await alice.open('cves?cve=CVE-2024-26581');
  const rows = alice.page.locator('.rows tbody tr');
  await rows.filter({ hasText: 'CVE-2024-1086' }).getByText('3 fixed').waitFor();
  expect(await rows.filter({ hasText: 'CVE-2024-26581' }).innerText()).not.toContain('3 fixed');
});

test('an auditor reads who did what, and verifies it', async () => {
  await using carol = await Visitor.come(browser, world.consoleUrl);
  await carol.signInByProvider('Example', 'carol');
  await carol.open('audit?find=RollBackRollout');
  await carol.page.getByText('Fleet/RollBackRollout').first().waitFor();
  await carol.page.getByText('person:alice@example.org').first().waitFor();
  await button(carol, 'Verify what is shown').click();
  await carol.page.getByText(/whole from \d+ to \d+/).waitFor();
  expect(carol.complaints).toEqual([]);
});
