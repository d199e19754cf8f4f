// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Role } from '@lockstep/contracts/generated';
import type { Browser } from 'playwright-core';
import { checkAppearance } from './appearance';
import { startBrowser, Visitor, type ColorScheme } from './browser';
import { startConsoleFleet, tokenOf, type ConsoleFleet } from './console-fleet';
import { focused, tabTo } from './keyboard';
import { installOldChromium } from './old-chromium';
import { pages } from './pages';

jest.setTimeout(900_000);

let world: ConsoleFleet;
let browser: Browser;
let ada: Visitor;

beforeAll(async () => {
  world = await startConsoleFleet();
  browser = await startBrowser();
  ada = await Visitor.come(browser, world.consoleUrl);
});

afterAll(async () => {
  await browser.close();
  await world.fleet.stop();
});

describe('somebody who is not signed in', () => {
  test.each<ColorScheme>(['light', 'dark'])('can use the page to sign in on, in %s colours', async (colorScheme) => {
    await ada.open('');
    await ada.page.getByLabel('Access token').waitFor();
    await checkAppearance(ada.page, 'sign-in', colorScheme);
  });

  test('is told what is wrong with a token that is none, where they are', async () => {
    await ada.open('nodes?cluster=dev');
    await ada.page.getByLabel('Access token').fill('lockstep_not-one');
    await ada.page.getByRole('button', { name: 'Sign in' }).click();
    await ada.page.getByRole('alert').getByText('You are not signed in').waitFor();
  });

  test('goes on where they wanted to be', async () => {
    await ada.page.getByLabel('Access token').fill(world.token);
    await ada.page.getByRole('button', { name: 'Sign in' }).click();
    await ada.page.getByRole('heading', { name: 'Nodes' }).waitFor();
    await ada.page.getByRole('link', { name: 'n1', exact: true }).waitFor();
    expect(ada.page.url()).toContain('cluster=dev');
  });
});

describe.each(pages)('the page $name', ({ name, place, link, shows }) => {
  test('shows what there is', async () => {
    await ada.open(place);
    if (link !== undefined) await ada.page.getByRole('link', { name: link }).click();
    await ada.settled();
    await ada.page.getByText(shows).first().waitFor();
    expect(ada.complaints).toEqual([]);
  });

  test.each<ColorScheme>(['light', 'dark'])('has no violation of accessibility in %s colours', async (colorScheme) => {
    await checkAppearance(ada.page, name, colorScheme);
  });
});

describe('a browser of two years ago', () => {
  let oldBrowser: Browser;
  let gus: Visitor;
  beforeAll(async () => {
    oldBrowser = await startBrowser(installOldChromium());
    gus = await Visitor.come(oldBrowser, world.consoleUrl);
    await gus.signIn(world.token);
  });
  afterAll(() => oldBrowser.close());

  test.each(pages)('shows the page $name', async ({ place, link, shows }) => {
    await gus.open(place);
    if (link !== undefined) await gus.page.getByRole('link', { name: link }).click();
    await gus.settled();
    await gus.page.getByText(shows).first().waitFor();
    expect(gus.complaints).toEqual([]);
  });

  test('is told what it cannot verify, and by what it can be', async () => {
    await gus.open('audit?find=StartRollout');
    await gus.page.getByText('Fleet/StartRollout').first().waitFor();
    await gus.page.getByRole('button', { name: 'Verify what is shown' }).click();
    await gus.page.getByText('This browser does not know Ed25519').waitFor();
    expect(gus.complaints).toEqual([]);
  });
});

describe('by keyboard alone', () => {
  test('the pages are skipped to what one came for, and a dialog is left to where it was opened', async () => {
    const { page } = ada;
    await ada.open('rollouts');
    await ada.settled();
    await tabTo(page, 'Skip to the page');
    await page.keyboard.press('Enter');
    await tabTo(page, 'Break the glass');
    await tabTo(page, 'Start a rollout');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog');
    await dialog.getByText('to position').waitFor();
    await tabTo(page, 'Start exactly this');
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.waitForFunction(() => document.activeElement?.textContent === 'Start a rollout');
  });

  test('nodes are gone through by arrows and opened', async () => {
    const { page } = ada;
    await ada.open('nodes');
    await page.getByRole('link', { name: 'n6', exact: true }).waitFor();
    await tabTo(page, 'n1');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    expect(await focused(page)).toBe('n3');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'n3', exact: true }).waitFor();
  });

  test('a draft is tried, and positions are gone through', async () => {
    const { page } = ada;
    await ada.open('load-order?cluster=dev');
    await page.getByText('Position 2 of 2').waitFor();
    await tabTo(page, 'Position 2 of 2');
    await page.keyboard.press('ArrowLeft');
    await page.getByText('Runs at 1', { exact: true }).waitFor();
    await page.keyboard.press('ArrowRight');
    await tabTo(page, 'cmdline-fix');
    await page.keyboard.press('Enter');
    await page.getByText('2 conflicts.').waitFor();
    await tabTo(page, 'Build it onto 2');
  });
});

test('a patch tells where it runs, what would be in its way elsewhere, and what it was built from', async () => {
  await ada.open('patches/meminfo-fix');
  await ada.page.getByText('6 of 6 nodes hold it, as entry 1').waitFor();
  await ada.page.getByRole('button', { name: 'Where it comes from' }).click();
  const provenance = ada.page.getByRole('region', { name: /^Provenance of lockstep_meminfo_fix/ });
  await provenance.getByText('gcc').first().waitFor();
  const [saved] = await Promise.all([
    ada.page.waitForEvent('download'),
    provenance.getByRole('button', { name: 'Save as SLSA provenance' }).click(),
  ]);
  const statement: unknown = JSON.parse(readFileSync(await saved.path(), 'utf8'));
  expect(statement).toMatchObject({ predicateType: 'https://slsa.dev/provenance/v1' });
  expect(ada.page.url()).toContain('provenance=');
  await ada.open('patches/cmdline-fix');
  await ada.page.getByText('2 conflicts').waitFor();
  expect(ada.complaints).toEqual([]);
});

test('a draft that is dragged onto the picture is tried on it', async () => {
  await ada.open('load-order?cluster=dev');
  const draft = ada.page.getByRole('button', { name: 'cmdline-fix' });
  await draft.dragTo(ada.page.getByRole('region', { name: 'What runs' }));
  await ada.page.getByText('2 conflicts.').waitFor();
  expect(ada.page.url()).toContain('draft=cmdline-fix');
  expect(ada.complaints).toEqual([]);
});

test('a rollout is begun as it was shown, and moves while it is looked at', async () => {
  await ada.open('rollouts');
  await ada.page.getByRole('button', { name: 'Start a rollout' }).click();
  const dialog = ada.page.getByRole('dialog');
  await dialog.getByText('to position').waitFor();
  await dialog.getByRole('button', { name: 'Start exactly this' }).click();
  await ada.page.getByRole('heading', { name: 'dev to 2' }).waitFor();
  await ada.page.getByText('6 of 6 nodes there').waitFor({ timeout: 180_000 });
  await ada.page.locator('.page-summary').getByText('succeeded').waitFor();
  expect(await ada.page.locator('.wave-passed').count()).toBeGreaterThan(1);
});

test('a rollout is rolled back exactly as it was shown', async () => {
  await ada.page.getByRole('button', { name: 'Roll back' }).click();
  const dialog = ada.page.getByRole('dialog');
  await dialog.getByText('loadavg-fix (2)').waitFor();
  await dialog.getByText('6 nodes').first().waitFor();
  expect(await dialog.locator('.plan-steps').innerText()).toContain('unload lockstep_loadavg_fix');
  await dialog.getByRole('button', { name: 'Roll back exactly like this' }).click();
  await ada.page.getByRole('heading', { name: 'dev to 3' }).waitFor();
  await ada.page.locator('.page-summary').getByText('rolls back').waitFor();
  await ada.page.getByText('6 of 6 nodes there').waitFor({ timeout: 180_000 });
  expect(ada.complaints).toEqual([]);
});

test('a window is added as its preview shows it, and taken away again', async () => {
  await ada.open('schedule');
  await ada.page.getByRole('button', { name: 'Add a window' }).click();
  const dialog = ada.page.getByRole('dialog');
  await dialog.getByLabel('Cluster').selectOption('shop');
  await dialog.getByLabel('Name').fill('evening');
  await dialog.getByLabel('Time zone').fill('Mars/Olympus');
  await dialog.getByText('is no time zone that is known here').waitFor();
  await dialog.getByLabel('Time zone').fill('America/New_York');
  await dialog.getByText('in America/New_York').first().waitFor();
  await dialog.getByRole('button', { name: 'Add it' }).click();
  await ada.page.getByRole('heading', { name: 'evening shop' }).waitFor();
  await ada.page.getByLabel('By the clocks of').selectOption('America/New_York');
  expect(ada.page.url()).toContain('zone=America%2FNew_York');
  await ada.page.getByRole('button', { name: 'Remove the window evening of shop' }).click();
  await ada.page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await ada.page.getByRole('heading', { name: 'evening shop' }).waitFor({ state: 'detached' });
  expect(ada.complaints).toEqual([]);
});

test('a word in the address that every object knows breaks no page', async () => {
  await ada.open('nodes?connected=toString&status=constructor');
  await ada.page.getByRole('link', { name: 'n1', exact: true }).waitFor();
  await ada.open('rollouts');
  await ada.page.getByRole('link', { name: 'dev to 1' }).click();
  await ada.page.getByRole('heading', { name: 'dev to 1' }).waitFor();
  await ada.open(`${ada.page.url().split('/console/')[1]}?show=toString`);
  await ada.page.getByRole('link', { name: 'n1', exact: true }).waitFor();
  expect(ada.complaints).toEqual([]);
});

test('the audit is verified in the browser, and names what was just done', async () => {
  await ada.open('audit?find=StartRollout');
  await ada.page.getByText('Fleet/StartRollout').first().waitFor();
  await ada.page.getByRole('button', { name: 'Verify what is shown' }).click();
  await ada.page.getByText(/whole from \d+ to \d+/).waitFor();
});

test('who may only look is shown what they may not do, and why', async () => {
  await using eve = await Visitor.come(browser, world.consoleUrl);
  await eve.signIn(await tokenOf(world, Role.ROLE_VIEWER, 'eve'));
  await eve.open('rollouts');
  const start = eve.page.getByRole('button', { name: 'Start a rollout' });
  await start.waitFor();
  expect(await start.getAttribute('aria-disabled')).toBe('true');
  expect(await start.getAttribute('aria-description')).toMatch(/viewer/i);
  await eve.open('audit');
  await eve.settled();
  expect(await eve.page.getByText('Fleet/AppendLoad').count()).toBe(0);
});

test('a refused action says why where it was asked for', async () => {
  await using olga = await Visitor.come(browser, world.consoleUrl);
  await olga.signIn(await tokenOf(world, Role.ROLE_OPERATOR, 'olga'));
  await olga.open('load-order?cluster=dev&draft=cmdline-fix');
  await olga.page.getByLabel('Name of the combined patch').fill('7');
  await olga.page.getByRole('button', { name: 'Combine' }).click();
  await olga.page.getByRole('alert').getByText('They are not combined').waitFor();
});
