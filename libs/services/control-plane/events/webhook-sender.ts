// SPDX-License-Identifier: GPL-2.0-only
import { randomUUID } from 'node:crypto';
import { matchesFilter, parseEventFilter } from '@lockstep/domain/fleet-events';
import type { Database, EventRecord, WebhookRecord } from '@lockstep/io/database';
import type { Delivery, DeliveryQueue, DeliveryResult } from '@lockstep/io/job-queue';
import { postWebhook, type DeliveryOutcome } from '@lockstep/io/webhook-delivery';
import type { Logger } from 'pino';
import type { ChangeNotifier } from '../change-notifier';
import { Reconciler } from '../reconciler';
import type { Replica } from '../replicas/replica';
import { EndpointBacklogs } from './endpoint-backlogs';
import { EndpointPlaces } from './endpoint-places';

/** A word of the change notifier may be lost, and the queue be away. */
const queueAgainEveryMs = 15_000;
const eventsAtOnce = 500;

export interface WebhookSenderParts {
  readonly db: Pick<Database, 'events' | 'webhooks'>;
  readonly changes: ChangeNotifier;
  /** Of several control planes one queues; all deliver. */
  readonly replica: Pick<Replica, 'leads'>;
  readonly openQueue: (deliver: (delivery: Delivery) => Promise<DeliveryResult>) => Promise<DeliveryQueue>;
  /** Endpoints may be on this machine, and be called by plain http. */
  readonly mayBeLocal: boolean;
  readonly log: Logger;
}

/** What an endpoint is told, by the form that Standard Webhooks proposes. */
const bodyOf = ({ seq, type, cluster, subject, message, data, at }: EventRecord): string =>
  JSON.stringify({ type, timestamp: at.toISOString(), data: { seq, cluster, subject, message, ...data } });

const secretsOf = ({ secret, previous }: WebhookRecord, now: Date): string[] => [
  secret,
  ...(previous !== undefined && previous.until > now ? [previous.secret] : []),
];

/** It did not take what it was sent last. */
const takesNothing = ({ triedAt, takenAt }: WebhookRecord): boolean =>
  triedAt !== undefined && (takenAt === undefined || takenAt < triedAt);

/** Queues what happens for each endpoint that wants it, and delivers it: at least once, in no promised order. */
export class WebhookSender {
  private readonly reconciler = new Reconciler(() => this.queueAll());
  private readonly abort = new AbortController();
  private readonly places = new EndpointPlaces();
  private readonly backlogs = new EndpointBacklogs();
  private queue: DeliveryQueue | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: WebhookSenderParts) {}

  async start(): Promise<void> {
    this.queue = await this.parts.openQueue((delivery) => this.deliver(delivery));
    this.parts.changes.listen((topic) => {
      if (topic === 'events') this.request();
    });
    this.timer = setInterval(() => {
      this.request();
    }, queueAgainEveryMs);
    this.request();
  }

  /** What is being sent is given up; it is sent again after the next start. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.reconciler.stop();
    this.abort.abort(new Error('The control plane stops.'));
    await this.queue?.close();
  }

  /** Sends an event that nobody else is told, at once and once. */
  async test(webhook: WebhookRecord): Promise<DeliveryOutcome> {
    const at = new Date();
    const data = { webhook: webhook.name, message: 'A test: nothing happened.' };
    const body = JSON.stringify({ type: 'webhook.test', timestamp: at.toISOString(), data });
    const outcome = await this.post(webhook, randomUUID(), body);
    await this.parts.db.webhooks.note(webhook.name, outcome.text, outcome.kind === 'taken');
    return outcome;
  }

  /** Something may have happened, or it is this control plane's turn now to look. */
  request(): void {
    // Before it has started there is no queue: what is passed over then would count as queued.
    if (this.queue === undefined || !this.parts.replica.leads()) return;
    this.reconciler.request('all').catch((err: unknown) => {
      this.parts.log.warn({ err }, 'cannot queue events for webhooks now');
    });
  }

  private async queueAll(): Promise<void> {
    for (const webhook of await this.parts.db.webhooks.list()) await this.queueFor(webhook);
  }

  /** The jobs first: killed in between, the same ones are added again, and are there. */
  private async queueFor(webhook: WebhookRecord): Promise<void> {
    const { db } = this.parts;
    const { name, types, cluster, afterSeq, disabled } = webhook;
    const filter = parseEventFilter(types, cluster);
    const isFailing = disabled === undefined && takesNothing(webhook);
    if (!isFailing) this.backlogs.forget(name);
    const isWaiting = async (event: number) => (await this.queue?.isWaiting({ webhook: name, event })) === true;
    for (let from = afterSeq; ;) {
      // The rest stays where it is: the next look comes by again.
      if (isFailing && (await this.backlogs.isFull(name, isWaiting))) return;
      const events = await db.events.after(from, eventsAtOnce);
      const last = events.at(-1)?.seq;
      if (last === undefined) return;
      const wanted = disabled === undefined ? events.filter((event) => matchesFilter(filter, event)) : [];
      await this.queue?.add(wanted.map(({ seq }) => ({ webhook: name, event: seq })));
      if (isFailing)
        this.backlogs.note(
          name,
          wanted.map(({ seq }) => seq),
        );
      await db.webhooks.advance(name, last);
      from = last;
    }
  }

  private async deliver({ webhook: name, event: seq }: Delivery): Promise<DeliveryResult> {
    const { db } = this.parts;
    // Before anything is read: of many that wait for one endpoint each comes here again and again.
    const place = this.places.take(name);
    if ('againAfterMs' in place) return place;
    let result: DeliveryResult = 'failed';
    try {
      const webhook = await db.webhooks.find(name);
      const event = await db.events.find(seq);
      result =
        webhook === null || event === null || webhook.disabled !== undefined
          ? 'ended'
          : await this.conclude(webhook, await this.post(webhook, event.id, bodyOf(event)));
      return result;
    } finally {
      place.leave(result === 'ended');
    }
  }

  private async conclude({ name }: WebhookRecord, { kind, text }: DeliveryOutcome): Promise<DeliveryResult> {
    const { db, log } = this.parts;
    await db.webhooks.note(name, text, kind === 'taken');
    if (kind === 'failed') {
      log.info({ webhook: name, outcome: text }, 'an event was not taken, and is told again later');
      return 'failed';
    }
    if (kind === 'gone') {
      await db.webhooks.disable(name, text);
      log.warn({ webhook: name }, 'an endpoint wants no events any more');
    }
    return 'ended';
  }

  private post(webhook: WebhookRecord, id: string, body: string): Promise<DeliveryOutcome> {
    const at = new Date();
    const { mayBeLocal } = this.parts;
    const signal = this.abort.signal;
    return postWebhook({ url: webhook.url, id, at, body, secrets: secretsOf(webhook, at), mayBeLocal, signal });
  }
}
