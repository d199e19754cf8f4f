// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import { Announcements, type Fence, type ReplicaStore } from '@lockstep/io/database';
import type { Logger } from 'pino';
import { readNews, writeNews, type News } from './news';
import type { Replica } from './replica';

/** One that is killed, or hangs, counts as gone after `ttlMs`, by the database's clock; the next one's beat takes the lease. */
const ttlMs = 6_000;
const beatEveryMs = 1_500;

export interface ReplicaHandlers {
  readonly onNews: (news: News) => void;
  /** Some news may have been missed. */
  readonly onGap: () => void;
  readonly onFound: (replica: string) => void;
  readonly onLost: (replica: string) => void;
  readonly onLeading: () => void;
}

export interface LivingReplicaParts {
  readonly store: Pick<ReplicaStore, 'beat' | 'leave'>;
  readonly databaseUrl: string;
  readonly log: Logger;
}

/** One control plane of several: says that it lives, knows who else does, and who of them leads. */
export class LivingReplica implements Replica {
  readonly id = randomUUID();
  readonly isAlone = false;
  private alive: ReadonlySet<string> = new Set();
  private token: number | undefined;
  /** By a clock that runs on while the process is stopped: one that hung does not take itself for the leader. */
  private leadsUntilMs = -Infinity;
  private timer: NodeJS.Timeout | undefined;
  private beating: Promise<void> | undefined;
  private announcements: Announcements | undefined;
  private handlers: ReplicaHandlers | undefined;

  constructor(private readonly parts: LivingReplicaParts) {}

  async start(handlers: ReplicaHandlers): Promise<void> {
    this.handlers = handlers;
    await this.beat();
    this.timer = setInterval(() => {
      this.beating ??= this.beat()
        .catch((err: unknown) => {
          this.parts.log.warn({ err }, 'cannot tell the other control planes that this one lives');
        })
        .finally(() => {
          this.beating = undefined;
        });
    }, beatEveryMs);
    this.announcements = new Announcements({
      url: this.parts.databaseUrl,
      onHeard: (text) => {
        const heard = readNews(text);
        if (heard !== undefined && heard.from !== this.id) handlers.onNews(heard.news);
      },
      onGap: handlers.onGap,
    });
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.beating;
    this.leadsUntilMs = -Infinity;
    await this.announcements?.close();
    await this.parts.store.leave(this.id).catch(() => undefined);
  }

  others(): readonly string[] {
    return [...this.alive].sort();
  }

  leads(): boolean {
    return performance.now() < this.leadsUntilMs;
  }

  fence(): Fence | undefined {
    return { holder: this.id, token: this.token ?? 0 };
  }

  announce(news: News): void {
    this.announcements?.announce(writeNews(this.id, news));
  }

  isAlive(other: string): boolean {
    return this.alive.has(other);
  }

  private async beat(): Promise<void> {
    const askedAtMs = performance.now();
    const { token, others } = await this.parts.store.beat(this.id, ttlMs);
    const led = this.leads() && this.token === token;
    this.token = token;
    this.leadsUntilMs = token === undefined ? -Infinity : askedAtMs + ttlMs;
    const before = this.alive;
    this.alive = new Set(others);
    for (const other of others) if (!before.has(other)) this.handlers?.onFound(other);
    for (const other of before) if (!this.alive.has(other)) this.handlers?.onLost(other);
    if (token === undefined || led) return;
    this.parts.log.info({ replica: this.id, token }, 'this control plane leads');
    this.handlers?.onLeading();
  }
}
