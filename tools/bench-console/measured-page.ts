// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { chromium, type Browser, type BrowserContext, type CDPSession, type Page } from 'playwright-core';

export interface FirstLook {
  /** Until the first node stands in the table, from when the address was entered. */
  readonly usefulMs: number;
  /** Until the browser painted anything of it. */
  readonly contentMs: number;
  /** As they came over the wire, by then. */
  readonly transferredBytes: number;
}

export interface WatchingFigures {
  /** Of the page's main thread, in each second of watching. */
  readonly scriptMsPerSecond: number;
  readonly busyMsPerSecond: number;
  readonly transferredBytesPerSecond: number;
}

const usefulWithinMs = 120_000;

/** Debian's, which talks to nobody but the page's server. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: process.env['LOCKSTEP_CHROMIUM'] ?? '/usr/bin/chromium',
    args: [
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'],
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
    ],
  });

// In the page, and so as text: the tools know no DOM.

/** Notes when the first node was painted: the frame after the next one begins once that one has been. */
const noteUsefulPaint = `new MutationObserver((_, observer) => {
  if (document.querySelector('.node-table-body [role="row"]') === null) return;
  observer.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => { document.documentElement.dataset.usefulMs = performance.now(); }));
}).observe(document, { childList: true, subtree: true });`;
/** Waited for as an element: the page's own policy forbids what asks for a function again and again. */
const useful = 'html[data-useful-ms]';
const paintTimes = `({
  useful: Number(document.documentElement.dataset.usefulMs),
  content: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
})`;

async function metricsOf(session: CDPSession): Promise<ReadonlyMap<string, number>> {
  const { metrics } = await session.send('Performance.getMetrics');
  return new Map(metrics.map(({ name, value }) => [name, value]));
}

/** The nodes page in a browser of its own, whose cache holds nothing. */
export class MeasuredPage implements AsyncDisposable {
  private transferred = 0;

  private constructor(
    private readonly context: BrowserContext,
    private readonly page: Page,
    private readonly session: CDPSession,
  ) {
    session.on('Network.dataReceived', ({ encodedDataLength }) => (this.transferred += encodedDataLength));
    session.on('Network.responseReceived', ({ response }) => (this.transferred += response.encodedDataLength));
  }

  static async open(browser: Browser, consoleUrl: string, token: string): Promise<MeasuredPage> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1360, height: 860 } });
    const signIn = await context.request.post(new URL('/v1/session', consoleUrl).href, { data: { token } });
    if (!signIn.ok()) throw new Error(`Signing in failed: ${await signIn.text()}`);
    await context.addInitScript({ content: noteUsefulPaint });
    const page = await context.newPage();
    const session = await context.newCDPSession(page);
    await session.send('Network.enable');
    await session.send('Performance.enable');
    const opened = new MeasuredPage(context, page, session);
    await page.goto(new URL('nodes', consoleUrl).href, { waitUntil: 'commit' });
    await page.locator(useful).waitFor({ state: 'attached', timeout: usefulWithinMs });
    return opened;
  }

  async firstLook(): Promise<FirstLook> {
    const { transferred } = this;
    const times = await this.page.evaluate<{ useful: number; content: number }>(paintTimes);
    return { usefulMs: times.useful, contentMs: times.content, transferredBytes: transferred };
  }

  async watch(seconds: number): Promise<WatchingFigures> {
    const before = await metricsOf(this.session);
    const bytesBefore = this.transferred;
    await sleep(seconds * 1_000);
    const after = await metricsOf(this.session);
    const took = (after.get('Timestamp') ?? 0) - (before.get('Timestamp') ?? 0);
    const perSecond = (name: string): number => ((after.get(name) ?? 0) - (before.get(name) ?? 0)) / took;
    return {
      scriptMsPerSecond: perSecond('ScriptDuration') * 1_000,
      busyMsPerSecond: perSecond('TaskDuration') * 1_000,
      transferredBytesPerSecond: (this.transferred - bytesBefore) / took,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
  }
}
