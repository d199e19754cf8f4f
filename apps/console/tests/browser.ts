// SPDX-License-Identifier: GPL-2.0-only
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core';

export type ColorScheme = 'light' | 'dark';

export const viewports = { desktop: { width: 1360, height: 860 }, phone: { width: 390, height: 844 } } as const;
export type Device = keyof typeof viewports;

const debians = process.env['LOCKSTEP_CHROMIUM'] ?? '/usr/bin/chromium';

/** Of a browser that talks to nobody but the page's server. */
export function startBrowser(executablePath = debians): Promise<Browser> {
  const quiet = ['--disable-background-networking', '--disable-component-update', '--disable-sync', '--no-first-run'];
  const isRoot = process.getuid?.() === 0;
  return chromium.launch({
    executablePath,
    args: [...quiet, ...(isRoot ? ['--no-sandbox'] : [])],
  });
}

/** Somebody with a browser of their own, and all that it complained about. */
export class Visitor implements AsyncDisposable {
  /** Errors of scripts, and what the policy forbade. */
  readonly complaints: string[] = [];

  private constructor(
    private readonly context: BrowserContext,
    readonly page: Page,
    private readonly consoleUrl: string,
  ) {
    page.on('pageerror', ({ message }) => this.complaints.push(message));
    page.on('console', (said) => {
      // An answer that says no is no error of the page.
      if (said.type() === 'error' && !said.text().startsWith('Failed to load resource')) {
        this.complaints.push(said.text());
      }
    });
  }

  static async come(browser: Browser, consoleUrl: string): Promise<Visitor> {
    // The control plane's certificate is its own authority's.
    const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: viewports.desktop });
    context.setDefaultTimeout(60_000);
    // An identity provider's page may want fonts from elsewhere.
    await context.route(
      ({ hostname }) => hostname !== 'localhost' && hostname !== '127.0.0.1',
      (route) => route.abort(),
    );
    return new Visitor(context, await context.newPage(), consoleUrl);
  }

  async open(place: string): Promise<void> {
    await this.page.goto(new URL(place, this.consoleUrl).href);
  }

  async signIn(token: string): Promise<void> {
    await this.open('');
    await this.page.getByLabel('Access token').fill(token);
    await this.page.getByRole('button', { name: 'Sign in' }).click();
    await this.page.getByRole('heading', { name: 'Overview' }).waitFor();
  }

  /** By the button of the identity provider, through its own pages. */
  async signInByProvider(label: string, login: string): Promise<void> {
    await this.open('');
    await this.page.getByRole('link', { name: label }).click();
    const { origin } = new URL(this.consoleUrl);
    while (!this.page.url().startsWith(origin)) {
      const name = this.page.locator('input[name="login"]');
      if ((await name.count()) > 0) {
        await name.fill(login);
        await this.page.locator('input[name="password"]').fill('any');
      }
      const before = this.page.url();
      await this.page.locator('button[type="submit"]').first().click();
      await this.page.waitForURL((url) => url.href !== before);
    }
    await this.page.getByRole('heading', { name: 'Overview' }).waitFor();
  }

  /** One more tab of the same browser. */
  async anotherTab(place: string): Promise<Page> {
    const page = await this.context.newPage();
    await page.goto(new URL(place, this.consoleUrl).href);
    return page;
  }

  /** Until nothing on the page is awaited any more. */
  async settled(): Promise<void> {
    await this.page.locator('h1').waitFor();
    await this.page.waitForFunction(() => document.querySelector('.awaited, [aria-busy="true"]') === null);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.context.close();
  }
}
