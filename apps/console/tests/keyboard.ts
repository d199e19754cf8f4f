// SPDX-License-Identifier: GPL-2.0-only
import { expect } from '@jest/globals';
import type { Page } from 'playwright-core';

/** More than any page has before what is looked for. */
const mostStops = 80;

/** What has the focus, as it is called. */
export const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const at = document.activeElement;
    const label = at instanceof HTMLInputElement ? at.labels?.[0]?.textContent : undefined;
    return (at?.getAttribute('aria-label') ?? label ?? at?.textContent ?? '').trim();
  });

/** Goes on from stop to stop, as somebody without a mouse does, until it is at what is called so. */
export async function tabTo(page: Page, name: string): Promise<void> {
  const seen: string[] = [];
  for (let stop = 0; stop < mostStops; stop += 1) {
    await page.keyboard.press('Tab');
    const at = await focused(page);
    if (at === name) {
      // Whoever is there sees it.
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle);
      expect([name, outline]).not.toEqual([name, 'none']);
      return;
    }
    seen.push(at);
  }
  throw new Error(`"${name}" is not reached by Tab: ${seen.join(' | ')}`);
}
