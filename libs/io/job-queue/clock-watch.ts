// SPDX-License-Identifier: GPL-2.0-only
import { Client } from 'pg';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { QueueServer } from './backend';

const askEveryMs = 60_000;
const answerWithinMs = 10_000;

/** The server's time of day, in ms. */
export type AskServerTime = () => Promise<number>;

/** What this machine's clock is ahead of the server's by, at least: as much more may be due to the time that asking took. */
export async function clockAheadMs(ask: AskServerTime, now: () => number): Promise<number> {
  const askedAt = now();
  const server = await ask();
  const answeredAt = now();
  const ahead = (askedAt + answeredAt) / 2 - server;
  const doubt = (answeredAt - askedAt) / 2;
  return Math.round(Math.sign(ahead) * Math.max(0, Math.abs(ahead) - doubt));
}

/** On PostgreSQL the workers' own clocks say how long a job was not heard of: they must agree well within that time. */
const toleratedMs = (lockMs: number): number => Math.floor(lockMs / 3);

export function judgeClock(aheadMs: number, lockMs: number): LockstepError | undefined {
  if (Math.abs(aheadMs) <= toleratedMs(lockMs)) return undefined;
  const seconds = (Math.abs(aheadMs) / 1000).toFixed(1);
  const message =
    `This machine's clock is ${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} that of the queue's server; ` +
    `a worker's may differ by ${toleratedMs(lockMs) / 1000} s, or it takes jobs from workers that are at them. ` +
    `It takes none until the clock is right: let chrony or another NTP client set it.`;
  return new LockstepError('refused', 'clock-off', message, { aheadMs, toleratedMs: toleratedMs(lockMs) });
}

async function askPostgres(url: string): Promise<number> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: answerWithinMs,
    query_timeout: answerWithinMs,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ ms: string }>(`SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms`);
    return Number(rows[0]?.ms);
  } finally {
    await client.end().catch(() => undefined);
  }
}

export interface ClockWatchOptions {
  readonly server: QueueServer;
  readonly lockMs: number;
  /** This machine's time of day, in ms. */
  readonly now: () => number;
  /** The clock is wrong, again or still; undefined: it is right again. */
  readonly onVerdict: (wrong: LockstepError | undefined) => void;
  readonly onError: (error: Error) => void;
  readonly askEveryMs?: number | undefined;
}

/** Compares this machine's clock with the server's, where the queue depends on it: Redis measures the time by itself. */
export class ClockWatch {
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: ClockWatchOptions) {}

  /** @throws LockstepError `refused` `clock-off`; what the server says of itself when it cannot be asked. */
  async start(): Promise<void> {
    const { server, askEveryMs: everyMs = askEveryMs, onVerdict, onError } = this.options;
    if (server.kind !== 'postgres') return;
    const wrong = await this.look(server.url);
    if (wrong !== undefined) throw wrong;
    this.timer = setInterval(() => {
      this.look(server.url).then(onVerdict, onError);
    }, everyMs);
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async look(url: string): Promise<LockstepError | undefined> {
    const { lockMs, now } = this.options;
    return judgeClock(await clockAheadMs(() => askPostgres(url), now), lockMs);
  }
}
