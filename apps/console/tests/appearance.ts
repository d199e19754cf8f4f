// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { expect } from '@jest/globals';
import { repositoryRoot } from '@lockstep/testing/qemu-machine';
import type { Page } from 'playwright-core';
import { viewports, type ColorScheme, type Device } from './browser';

export const pictures = path.join(repositoryRoot, 'dist/console-pictures');

/** Whether everybody can use the page in these colours and on a screen of each size, and a picture of it. */
export async function checkAppearance(page: Page, name: string, colorScheme: ColorScheme): Promise<void> {
  mkdirSync(pictures, { recursive: true });
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`)).toEqual([]);
  for (const device of Object.keys(viewports) as Device[]) {
    await page.setViewportSize(viewports[device]);
    // Nobody has to push a page to the side to read it.
    const widths = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
    expect(widths[0]).toBeLessThanOrEqual(widths[1] ?? 0);
    await page.screenshot({ path: path.join(pictures, `${name}-${colorScheme}-${device}.png`) });
  }
  await page.setViewportSize(viewports.desktop);
}
