// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type ClusterName } from '@lockstep/domain/livepatch-model';
import { once, type KeptCall } from './call-answers';
import { serialisable, type Client, type Transaction } from './client';
import type { Webhook as WebhookRow } from './generated/client';

export interface NewWebhook {
  readonly name: string;
  readonly url: string;
  /** As they were asked for; none: all. */
  readonly types: readonly string[];
  readonly cluster: ClusterName | undefined;
  readonly secret: string;
}

export interface WebhookRecord extends NewWebhook {
  /** Signs too, until then. */
  readonly previous: { readonly secret: string; readonly until: Date } | undefined;
  /** Deliveries of the events up to this one are queued. */
  readonly afterSeq: number;
  /** Why nothing is sent any more. */
  readonly disabled: string | undefined;
  readonly createdAt: Date;
  readonly triedAt: Date | undefined;
  readonly takenAt: Date | undefined;
  /** What came of the last try. */
  readonly outcome: string | undefined;
}

const fromRow = (row: WebhookRow): WebhookRecord => ({
  name: row.name,
  url: row.url,
  types: row.types,
  cluster: (row.cluster ?? undefined) as ClusterName | undefined,
  secret: row.secret,
  previous:
    row.previousSecret === null || row.previousUntil === null
      ? undefined
      : { secret: row.previousSecret, until: row.previousUntil },
  afterSeq: row.afterSeq,
  disabled: row.disabled ?? undefined,
  createdAt: row.createdAt,
  triedAt: row.triedAt ?? undefined,
  takenAt: row.takenAt ?? undefined,
  outcome: row.outcome ?? undefined,
});

/** Events of which all the world is told; more endpoints are a mistake. */
const mostWebhooks = 100;

export interface WebhookStore {
  /** It is told of what happens from now on. @throws LockstepError `already-exists` `webhook-exists`, `refused` `too-many-webhooks`. */
  add(webhook: NewWebhook, call?: KeptCall<WebhookRecord>): Promise<WebhookRecord>;
  /** By name. */
  list(): Promise<WebhookRecord[]>;
  find(name: string): Promise<WebhookRecord | null>;
  /** @throws LockstepError `not-found` `unknown-webhook`. */
  require(name: string): Promise<WebhookRecord>;
  remove(name: string, call?: KeptCall<WebhookRecord>): Promise<WebhookRecord>;
  /** The secret it had signs too for so long; it is sent to again, if it was disabled. @throws as `require`. */
  rotate(name: string, secret: string, overlapMs: number, call?: KeptCall<WebhookRecord>): Promise<WebhookRecord>;
  /** Deliveries up to this event are queued. */
  advance(name: string, afterSeq: number): Promise<void>;
  /** What came of a try. */
  note(name: string, outcome: string, isTaken: boolean): Promise<void>;
  disable(name: string, why: string): Promise<void>;
}

function unknownWebhook(name: string): LockstepError {
  const message = `There is no webhook "${name}": \`lockstep webhook ls\` lists them.`;
  return new LockstepError('not-found', 'unknown-webhook', message, { webhook: name });
}

async function requireRow(db: Client | Transaction, name: string): Promise<WebhookRow> {
  const row = await db.webhook.findUnique({ where: { name } });
  if (row === null) throw unknownWebhook(name);
  return row;
}

async function insert(tx: Transaction, { types, cluster, ...rest }: NewWebhook): Promise<WebhookRecord> {
  if ((await tx.webhook.count({ where: { name: rest.name } })) > 0) {
    const message = `There is a webhook "${rest.name}" already: remove it first (lockstep webhook rm), or choose another name.`;
    throw new LockstepError('already-exists', 'webhook-exists', message, { webhook: rest.name });
  }
  if ((await tx.webhook.count()) >= mostWebhooks) {
    const message = `There are ${mostWebhooks} webhooks: remove one first (lockstep webhook ls).`;
    throw new LockstepError('refused', 'too-many-webhooks', message, { webhooks: mostWebhooks });
  }
  const afterSeq = (await tx.event.aggregate({ _max: { seq: true } }))._max.seq ?? 0;
  const data = { ...rest, types: [...types], cluster: cluster ?? null, afterSeq };
  return fromRow(await tx.webhook.create({ data }));
}

export function webhookStore(db: Client): WebhookStore {
  const find = async (name: string): Promise<WebhookRecord | null> => {
    const row = await db.webhook.findUnique({ where: { name } });
    return row === null ? null : fromRow(row);
  };
  return {
    add: (webhook, call) => serialisable(db, (tx) => once(tx, call, () => insert(tx, webhook))),
    async list() {
      return (await db.webhook.findMany({ orderBy: { name: 'asc' } })).map(fromRow);
    },
    find,
    require: async (name) => fromRow(await requireRow(db, name)),
    remove: (name, call) =>
      serialisable(db, (tx) =>
        once(tx, call, async () => {
          const row = await requireRow(tx, name);
          await tx.webhook.delete({ where: { name } });
          return fromRow(row);
        }),
      ),
    rotate: (name, secret, overlapMs, call) =>
      serialisable(db, (tx) =>
        once(tx, call, async () => {
          const { secret: previousSecret } = await requireRow(tx, name);
          const previousUntil = new Date(Date.now() + overlapMs);
          const data = { secret, previousSecret, previousUntil, disabled: null };
          return fromRow(await tx.webhook.update({ where: { name }, data }));
        }),
      ),
    async advance(name, afterSeq) {
      await db.webhook.updateMany({ where: { name, afterSeq: { lt: afterSeq } }, data: { afterSeq } });
    },
    async note(name, outcome, isTaken) {
      const now = new Date();
      const data = { outcome, triedAt: now, ...(isTaken ? { takenAt: now } : {}) };
      await db.webhook.updateMany({ where: { name }, data });
    },
    async disable(name, why) {
      await db.webhook.updateMany({ where: { name }, data: { disabled: why } });
    },
  };
}
