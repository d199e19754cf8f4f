// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { Role } from '@lockstep/contracts/generated';
import { exampleDiff } from '@lockstep/testing/dev-fleet';
import { connectSql } from '@lockstep/testing/local-postgres';
import type { Browser } from 'playwright-core';
import { startBrowser, Visitor } from './browser';
import { rollOutMeminfoFix, startFleetWithConsole, tokenOf, type ConsoleFleet } from './console-fleet';

jest.setTimeout(900_000);

const many = 10_000;
const logLines = 1_000_000;

let world: ConsoleFleet;
let browser: Browser;
let ada: Visitor;

beforeAll(async () => {
  world = await startFleetWithConsole(2);
  await rollOutMeminfoFix(world.fleet);
  browser = await startBrowser();
  ada = await Visitor.come(browser, world.consoleUrl);
  await ada.signIn(world.token);
});
afterAll(async () => {
  await browser.close();
  await world.fleet.stop();
});

async function sql(statement: string, values: readonly unknown[] = []): Promise<void> {
  const file = path.join(world.fleet.server.stateDir, 'endpoint.json');
  const { databaseUrl } = JSON.parse(readFileSync(file, 'utf8')) as { databaseUrl: string };
  const pg = await connectSql(databaseUrl);
  await pg.query(statement, [...values]);
  await pg.end();
}

test('what anybody may write is shown as it was written, and does nothing', async () => {
  const { fleet } = world.fleet.operator;
  const markup = '<img src=x onerror="document.title=1"><script>document.title=2</script>&amp; {{1}}';
  await ada.open('patches');
  await ada.page.getByRole('button', { name: 'Submit a diff' }).click();
  const dialog = ada.page.getByRole('dialog');
  await dialog.getByLabel('Or paste it').fill(exampleDiff(world.fleet.release, ['d'], '<b>bold</b>'));
  await dialog.getByLabel('Name').fill('<img src=x onerror="alert(1)">');
  await dialog.getByLabel('What it does').fill(markup);
  await dialog.getByLabel('Author').fill(markup);
  await dialog.getByRole('button', { name: 'Submit and build' }).click();
  // No patch is called like that; who tries is told so, in what they wrote.
  await dialog.getByRole('alert').getByText('<img src=x').waitFor();
  await dialog.getByLabel('Name').fill('marked-up');
  await dialog.getByRole('button', { name: 'Submit and build' }).click();
  await ada.page.getByRole('heading', { name: 'marked-up' }).waitFor();
  const until = new Date(Date.now() + 3_600_000);
  await fleet.addFreeze({ name: 'marked', cluster: 'dev', selector: '', from: undefined, until, reason: markup });
  for (const place of ['patches', 'patches/marked-up', 'schedule']) {
    await ada.open(place);
    await ada.page.getByText('<img src=x onerror=').first().waitFor();
    await ada.settled();
  }
  expect(await ada.page.title()).toContain('Windows and freezes');
  await fleet.removeFreeze({ name: 'marked', cluster: 'dev' });
  expect(ada.complaints).toEqual([]);
});

test('a control plane that goes away is told of, and the page catches up by itself when it is back', async () => {
  await ada.open('nodes');
  await ada.page.getByRole('link', { name: 'n1', exact: true }).waitFor();
  await world.fleet.server.process.kill();
  await ada.page.getByText('The control plane does not answer.').first().waitFor();
  await ada.page.getByRole('link', { name: 'n1', exact: true }).waitFor();
  await world.fleet.server.start();
  await ada.page.getByText('The control plane does not answer.').first().waitFor({ state: 'detached' });
  await world.fleet.settled();
  const { operator } = world.fleet;
  await operator.fleet.labelNodes({ names: ['n1'], set: { after: 'return' }, remove: [], overwrite: true });
  await ada.page.getByText('after=return').waitFor();
  expect(ada.complaints.filter((said) => !said.includes('ERR_'))).toEqual([]);
});

test('a session that has ended asks to sign in where one is, and goes on there', async () => {
  await using eve = await Visitor.come(browser, world.consoleUrl);
  const token = await tokenOf(world, Role.ROLE_VIEWER, 'eve');
  await eve.signIn(token);
  await eve.open('nodes?cluster=dev&order=-name');
  await eve.page.getByRole('link', { name: 'n1', exact: true }).waitFor();
  const { tokens } = await world.fleet.operator.access.listTokens({ all: false, sessions: true });
  const session = tokens.find(({ owner, session: isSession }) => owner === 'eve' && isSession)!;
  await world.fleet.operator.access.revokeToken({ name: session.name });
  await eve.page.getByLabel('Access token').fill(token);
  await eve.page.getByRole('button', { name: 'Sign in' }).click();
  await eve.page.getByRole('link', { name: 'n1', exact: true }).waitFor();
  expect(eve.page.url()).toContain('nodes?cluster=dev&order=-name');
});

test('two tabs: what is done in one is seen in the other, and signing out in one ends both', async () => {
  await using joe = await Visitor.come(browser, world.consoleUrl);
  await joe.signIn(await tokenOf(world, Role.ROLE_ADMIN, 'joe'));
  const other = await joe.anotherTab('schedule');
  await joe.open('schedule');
  await joe.page.getByRole('button', { name: 'Add a window' }).click();
  await joe.page.getByRole('dialog').getByLabel('Name').fill('shared');
  await joe.page.getByRole('dialog').getByRole('button', { name: 'Add it' }).click();
  await other.bringToFront();
  await other.getByRole('heading', { name: 'shared dev' }).waitFor();
  await world.fleet.operator.fleet.removeWindow({ name: 'shared', cluster: 'dev' });
  await joe.page.bringToFront();
  await joe.page.getByRole('button', { name: 'Sign out' }).click();
  await other.bringToFront();
  await other.getByLabel('Access token').waitFor();
  expect(joe.complaints).toEqual([]);
});

test('a build log of a hundred megabytes is read to its end, of which a few lines exist', async () => {
  const { builds } = await world.fleet.operator.build.listBuilds({ patch: 'meminfo-fix' });
  await sql(
    `UPDATE builds SET log = (SELECT jsonb_agg(jsonb_build_array(0, 'w', 'line ' || n || repeat(' cc', 30)))
       FROM generate_series(1, $2::int) n) WHERE id = $1::uuid`,
    [builds[0]!.id, logLines],
  );
  await ada.open(`patches/meminfo-fix?log=${builds[0]!.id}`);
  const log = ada.page.getByRole('region', { name: 'Build log' });
  await log.getByText(`line ${logLines} cc`).waitFor({ timeout: 300_000 });
  expect(await ada.page.locator('.build-line').count()).toBeLessThan(200);
  // Whoever reads further up stays there.
  await log.evaluate((element) => {
    element.scrollTo({ top: element.scrollHeight / 2 });
  });
  await log
    .getByText(/^line [3-7]\d{5} cc/)
    .first()
    .waitFor();
  expect(ada.complaints).toEqual([]);
});

test('ten thousand nodes are scrolled through, of which those in sight exist, and sorted by the control plane', async () => {
  await sql(
    `INSERT INTO nodes (name, cluster_name, certificate_fingerprint, kernel_release, last_seen_at)
     SELECT 'row-' || lpad(n::text, 5, '0'), 'dev', md5(n::text), '6.1.0-many', now() FROM generate_series(1, $1::int) n`,
    [many],
  );
  await world.fleet.server.process.kill();
  await world.fleet.server.start();
  await ada.open('nodes');
  await ada.page.getByText('10,002 nodes').waitFor();
  const scroller = ada.page.locator('.node-table');
  const last = ada.page.getByRole('link', { name: `row-${many}` });
  for (let step = 0; step < 400 && (await last.count()) === 0; step += 1) {
    await scroller.evaluate((element) => {
      element.scrollTo({ top: element.scrollHeight });
    });
    await ada.page.waitForTimeout(100);
  }
  await last.waitFor();
  expect(await ada.page.locator('.node-table-body > .node-row').count()).toBeLessThan(120);
  await ada.page.getByRole('button', { name: 'Node', exact: true }).click();
  await scroller.evaluate((element) => {
    element.scrollTo({ top: 0 });
  });
  await ada.page.locator('.node-table-body [data-index="0"]').getByText(`row-${many}`).waitFor();
  expect(ada.complaints.filter((said) => !said.includes('ERR_'))).toEqual([]);
});
