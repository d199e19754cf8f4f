// SPDX-License-Identifier: GPL-2.0-only
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from 'pg';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { describeSession, sessionFields, takeAdvisoryLock, type Session } from './advisory-lock';
import { applicationName, endWithinTime, openSession } from './connection';
import { explainDatabaseError } from './database-errors';

/** Any number, as long as it stays: every control plane asks for the same. */
const lockId = 1_280_261_963;
/** One that is being replaced has this long to go. */
const takeWithinMs = 5_000;
/** A connection that broke without a word is noticed after these two together; a router forgets idle ones in minutes. */
const checkEveryMs = 10_000;
const answerWithinMs = 5_000;
/** A database that restarts, or fails over, is back within this. */
const regainWithinMs = 30_000;
const tryAgainMs = 250;
/** A session of ours that is told to end does so within this. */
const endsWithinMs = 2_000;

export interface SoleOptions {
  readonly url: string;
  /** One of several that share the database, all of which say so. */
  readonly isShared?: boolean | undefined;
  /** The connection is gone; being the only one is to be regained. */
  readonly onAway?: (error: Error) => void;
  readonly onBack?: () => void;
  /** It was not regained, or another control plane has it: stop. */
  readonly onLost: (error: Error) => void;
  readonly checkEveryMs?: number | undefined;
  readonly regainWithinMs?: number | undefined;
}

function alreadyRunning(holder: Session): LockstepError {
  const message =
    `Another control plane works on this database: ${describeSession(holder)}. Stop it first, or let both be of several ` +
    '(LOCKSTEP_REPLICAS=several).';
  return new LockstepError('refused', 'already-running', message, sessionFields(holder));
}

/**
 * What a dead connection left at the server is our own: it is ended there, not waited for.
 * @param name tells our sessions from those of any other, whatever machine and process number it has.
 */
async function take({ url, isShared = false }: SoleOptions, name: string, withinMs: number): Promise<Client> {
  const client = await openSession(url, { application_name: name, query_timeout: answerWithinMs });
  try {
    let holder = await takeAdvisoryLock(client, lockId, withinMs, isShared);
    if (holder !== 'taken' && holder.application === name) {
      await client.query('SELECT pg_terminate_backend($1)', [holder.pid]);
      holder = await takeAdvisoryLock(client, lockId, endsWithinMs, isShared);
    }
    if (holder !== 'taken') throw alreadyRunning(holder);
    return client;
  } catch (error) {
    await endWithinTime(() => client.end());
    throw error;
  }
}

/**
 * Makes this process the database's only control plane, for as long as it lives; or one of several, which hold the lock
 * together and keep out one that would be alone. The lock is a connection's: a killed
 * process loses it at once. A living one whose connection breaks, because the server restarts, takes it again.
 */
export class SoleControlPlane {
  private readonly timer: NodeJS.Timeout;
  private regaining: Promise<void> | undefined;
  private checking = false;
  private closed = false;

  private constructor(
    private readonly options: SoleOptions,
    private readonly name: string,
    private client: Client,
  ) {
    this.timer = setInterval(() => {
      this.check();
    }, options.checkEveryMs ?? checkEveryMs);
    this.watch(client);
  }

  /** @throws LockstepError `refused` `already-running`, naming who has it. */
  static async become(options: SoleOptions): Promise<SoleControlPlane> {
    const name = `${applicationName} ${randomBytes(4).toString('hex')}`;
    return new SoleControlPlane(options, name, await take(options, name, takeWithinMs));
  }

  async close(): Promise<void> {
    this.closed = true;
    clearInterval(this.timer);
    await this.regaining;
    await endWithinTime(() => this.client.end());
  }

  private watch(client: Client): void {
    const lost = (error: Error): void => {
      this.lose(client, error);
    };
    client.on('error', lost);
    client.on('end', () => {
      lost(new Error('The database closed the connection.'));
    });
  }

  private check(): void {
    if (this.checking || this.regaining !== undefined) return;
    const { client } = this;
    this.checking = true;
    client
      .query('SELECT 1')
      .catch((error: unknown) => {
        this.lose(client, error as Error);
      })
      .finally(() => {
        this.checking = false;
      });
  }

  private lose(client: Client, error: Error): void {
    if (this.closed || this.regaining !== undefined || client !== this.client) return;
    this.options.onAway?.(error);
    this.regaining = this.regain(client).finally(() => {
      this.regaining = undefined;
    });
  }

  private async regain(lost: Client): Promise<void> {
    await endWithinTime(() => lost.end());
    const deadlineMs = performance.now() + (this.options.regainWithinMs ?? regainWithinMs);
    while (!this.closed) {
      const error = await this.takeAgain();
      if (error === undefined) return;
      const passes = error instanceof LockstepError && error.kind === 'unavailable';
      if (!passes || performance.now() > deadlineMs) {
        this.options.onLost(error);
        return;
      }
      await sleep(tryAgainMs);
    }
  }

  /** What was in the way, if anything. */
  private async takeAgain(): Promise<Error | undefined> {
    try {
      this.client = await take(this.options, this.name, 0);
    } catch (error) {
      return explainDatabaseError(error) as Error;
    }
    this.watch(this.client);
    this.options.onBack?.();
    return undefined;
  }
}
