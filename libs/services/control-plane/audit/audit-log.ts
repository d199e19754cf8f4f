// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import {
  chainRecord,
  encodeAuditCheckpoint,
  type AuditCheckpoint,
  type AuditEvent,
  type AuditRecord,
} from '@lockstep/domain/audit';
import type { LogSigner } from '@lockstep/io/certificates';
import type { AuditHead, AuditStore, ChainedBatch, UnchainedEvent } from '@lockstep/io/database';
import { readIfPresent, sha256OfBytes, writePrivateFile } from '@lockstep/platform/runtime';
import type { Logger } from 'pino';
import type { ChangeNotifier } from '../change-notifier';
import { Reconciler } from '../reconciler';
import { RefusedTokens, type RefusedToken } from './refused-tokens';

/** Events get their place at most this often: each time costs a signature and a file. */
const chainEveryMs = 100;
/** Of one caller's denials. */
const denialsEveryMs = 1_000;
/** Callers whose last denial is remembered. */
const mostDenied = 10_000;
/** And this often in any case: whoever was killed between an event and its place left it behind. */
const lookEveryMs = 5_000;

export interface AuditLogParts {
  readonly store: AuditStore;
  readonly signer: LogSigner;
  readonly changes: ChangeNotifier;
  readonly log: Logger;
  readonly stateDir: string;
}

/** Of what the control plane says by itself. */
const ownWord = { who: 'control-plane', token: '', from: '', because: '', on: 'installation' } as const;

/**
 * Who did what, chained and signed. An event is written where what it tells is done; in which order they lie is decided
 * here, by one writer, so that transactions do not wait for each other's place. The newest checkpoint is kept in
 * the state folder too: a database whose end was cut off, or that was restored from an older backup, is found out.
 */
export class AuditLog {
  private readonly chaining = new Reconciler(() => this.chain(), chainEveryMs);
  private readonly headFile: string;
  private signedHead: AuditCheckpoint | undefined;
  private readonly deniedAtMs = new Map<string, number>();
  private timer: NodeJS.Timeout | undefined;
  private readonly refusedTokens = new RefusedTokens((event) => {
    this.recordSoon(event);
  });

  constructor(private readonly parts: AuditLogParts) {
    this.headFile = path.join(parts.stateDir, 'audit-head.json');
  }

  async start(): Promise<void> {
    const { store, log } = this.parts;
    const text = await readIfPresent(this.headFile);
    this.signedHead = text === undefined ? undefined : (JSON.parse(text) as AuditCheckpoint);
    if (this.signedHead !== undefined && !(await this.isThere(this.signedHead))) {
      const { seq, hash } = this.signedHead;
      const details = JSON.stringify({ signed: { seq, hash }, found: await store.head() });
      log.error({ seq, hash }, 'the audit log ends before what was signed: restored from a backup, or cut off');
      await store.add({ ...ownWord, call: 'Audit/Start', details, result: 'records-lost' });
    }
    this.timer = setInterval(() => {
      this.look().catch((err: unknown) => {
        this.cannotPlace(err);
      });
    }, lookEveryMs);
    await this.settle();
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.refusedTokens.flush();
    await this.settle().catch((err: unknown) => {
      this.parts.log.warn({ err }, 'some of the audit has no place yet: it gets it at the next start');
    });
    await this.chaining.stop();
  }

  /** For what has no transaction of its own. */
  async record(event: AuditEvent): Promise<void> {
    await this.parts.store.add(event);
    this.wake();
  }

  /**
   * Somebody was refused what they may not. One of them in a second is written down: who tries again and again is known
   * by then, and must not fill the log.
   */
  noteDenial(record: Omit<AuditEvent, 'result'>): void {
    const { who } = record;
    const nowMs = performance.now();
    if (nowMs - (this.deniedAtMs.get(who) ?? -Infinity) < denialsEveryMs) return;
    if (this.deniedAtMs.size >= mostDenied) this.deniedAtMs.clear();
    this.deniedAtMs.set(who, nowMs);
    this.recordSoon({ ...record, result: 'not-allowed' });
  }

  /** Somebody showed an access token that is no good: of all of them a minute there is one record. */
  noteRefusedToken(refused: RefusedToken): void {
    this.refusedTokens.note(refused);
  }

  private recordSoon(event: AuditEvent): void {
    this.record(event).catch((err: unknown) => {
      this.parts.log.error({ err, record: event }, 'cannot write down that somebody was refused');
    });
  }

  /** Something may have been written. */
  wake(): void {
    this.settle().catch((err: unknown) => {
      this.cannotPlace(err);
    });
  }

  private async look(): Promise<void> {
    if (await this.parts.store.hasUnplaced()) await this.settle();
  }

  private cannotPlace(err: unknown): void {
    this.parts.log.warn({ err }, 'cannot give the audit its place now');
  }

  /** Resolves when all that is written by now has its place. */
  settle(): Promise<void> {
    return this.chaining.request('audit');
  }

  /** The newest checkpoint that was ever signed here, whatever the database holds. */
  newestCheckpoint(): AuditCheckpoint | undefined {
    return this.signedHead;
  }

  private async isThere({ seq, hash }: AuditCheckpoint): Promise<boolean> {
    const [record] = await this.parts.store.read(seq - 1, 1);
    return record?.seq === seq && record.hash === hash;
  }

  private async chain(): Promise<void> {
    const { store, changes } = this.parts;
    for (;;) {
      const chained = await store.chain((events, head) => this.link(events, head));
      if (chained === undefined) return;
      this.signedHead = chained.checkpoint;
      await writePrivateFile(this.headFile, `${JSON.stringify(chained.checkpoint)}\n`);
      changes.notify('audit');
      if (!chained.mayBeMore) return;
    }
  }

  private link(events: readonly UnchainedEvent[], head: AuditHead): ChainedBatch {
    const records: AuditRecord[] = [];
    for (const event of events) records.push(chainRecord(event, records.at(-1) ?? head, sha256OfBytes));
    const { seq, hash } = records.at(-1) ?? head;
    const signature = this.parts.signer.sign(sha256OfBytes(encodeAuditCheckpoint({ seq, hash })));
    return { records, checkpoint: { seq, hash, signature } };
  }
}
