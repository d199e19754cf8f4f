// SPDX-License-Identifier: GPL-2.0-only
import { createHmac, timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { endWithinTime, openSession } from './connection';

const channel = 'lockstep';
const tryAgainMs = 1_000;
/** A connection that broke without a word is noticed within these two. */
const checkEveryMs = 5_000;
const answerWithinMs = 5_000;

export interface AnnouncementOptions {
  readonly url: string;
  readonly onHeard: (text: string) => void;
  /** Some may have been missed: look at everything. */
  readonly onGap: () => void;
}

const sealOf = (secret: string, text: string): string => createHmac('sha256', secret).update(text).digest('base64url');

/** What was announced, if it was by somebody who has the secret. */
function unsealed(secret: string, payload: string): string | undefined {
  const end = payload.indexOf(' ');
  const text = payload.slice(end + 1);
  const [given, right] = [payload.slice(0, Math.max(0, end)), sealOf(secret, text)].map((seal) => Buffer.from(seal));
  if (given === undefined || right === undefined || given.length !== right.length) return undefined;
  return timingSafeEqual(given, right) ? text : undefined;
}

/**
 * What the control planes of one database tell one another, by its LISTEN and NOTIFY. These have no rights of their own, and build
 * workers may connect too: what is told is sealed with a secret that a table holds. Hearing is not sure: who must not miss it looks too.
 */
export class Announcements {
  private client: Client | undefined;
  private secret = '';
  private closed = false;
  private readonly timer: NodeJS.Timeout;
  private connecting: Promise<void>;

  constructor(private readonly options: AnnouncementOptions) {
    this.connecting = this.connect();
    this.timer = setInterval(() => {
      const { client } = this;
      client?.query('SELECT 1').catch(() => {
        this.lose(client);
      });
    }, checkEveryMs);
  }

  /** In the order in which they were announced. Lost where the connection is. */
  announce(text: string): void {
    const { client } = this;
    const payload = `${sealOf(this.secret, text)} ${text}`;
    client?.query('SELECT pg_notify($1, $2)', [channel, payload]).catch(() => {
      this.lose(client);
    });
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await this.connecting;
    const { client } = this;
    if (client !== undefined) await endWithinTime(() => client.end());
  }

  private async connect(): Promise<void> {
    while (!this.closed) {
      try {
        this.client = await this.listen();
        this.options.onGap();
        return;
      } catch {
        await sleep(tryAgainMs);
      }
    }
  }

  private async listen(): Promise<Client> {
    const client = await openSession(this.options.url, { query_timeout: answerWithinMs });
    client.on('notification', ({ payload }) => {
      const text = unsealed(this.secret, payload ?? '');
      if (text !== undefined) this.options.onHeard(text);
    });
    client.on('end', () => {
      this.lose(client);
    });
    try {
      const { rows } = await client.query<{ secret: string }>('SELECT secret FROM announcement_key');
      this.secret = rows[0]?.secret ?? '';
      await client.query(`LISTEN ${channel}`);
      return client;
    } catch (error) {
      // A server that is busy must not be left with one more connection by each try.
      await endWithinTime(() => client.end());
      throw error;
    }
  }

  private lose(client: Client): void {
    if (this.closed || client !== this.client) return;
    this.client = undefined;
    this.connecting = endWithinTime(() => client.end()).then(() => this.connect());
  }
}
