// SPDX-License-Identifier: GPL-2.0-only
import type {
  AddWebhookRequest,
  AddWebhookResponse,
  ListWebhooksRequest,
  ListWebhooksResponse,
  RemoveWebhookRequest,
  RemoveWebhookResponse,
  RotateWebhookSecretRequest,
  RotateWebhookSecretResponse,
  TestWebhookRequest,
  TestWebhookResponse,
} from '@lockstep/contracts/generated';
import { inCluster, installation, may } from '@lockstep/domain/access';
import { parseEventFilter } from '@lockstep/domain/fleet-events';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { WebhookRecord } from '@lockstep/io/database';
import { parseEndpointUrl, parseWebhookSecret } from '@lockstep/io/webhook-delivery';
import type { CallContext } from '../grpc/call-route';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';
import { webhookToWire } from '../views/event-view';
import { clusterNamed } from './chosen-nodes';

/** A week: who has not changed over by then has forgotten it. */
const longestOverlapSeconds = 7 * 24 * 3600;

function parseWebhookName(text: string): string {
  if (/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return text;
  const message = `"${text}" is not a webhook's name: use 1 to 63 of a-z, 0-9 and "-", not at the ends.`;
  throw new LockstepError('invalid-input', 'invalid-name', message, { text });
}

const answer = (webhook: WebhookRecord) => ({ webhook: webhookToWire(webhook) });

/** It is told of what happens from now on. */
export async function addWebhook(
  { db, config }: Uses<'db.webhooks' | 'db.clusters' | 'config'>,
  request: AddWebhookRequest,
  { kept }: KeepingContext<AddWebhookResponse>,
): Promise<AddWebhookResponse> {
  const cluster = await clusterNamed(db, request.cluster);
  parseEventFilter(request.types, cluster);
  const webhook = {
    ...{ name: parseWebhookName(request.name), types: request.types, cluster },
    url: parseEndpointUrl(request.url, config.webhooksMayBeLocal).href,
    secret: parseWebhookSecret(request.secret.toString('utf8')),
  };
  return answer(await db.webhooks.add(webhook, kept(answer)));
}

/** Those that carry away what the caller may look at. */
export async function listWebhooks(
  { db }: Uses<'db.webhooks'>,
  _: ListWebhooksRequest,
  { caller }: CallContext,
): Promise<ListWebhooksResponse> {
  const mayLook = ({ cluster }: WebhookRecord): boolean =>
    may(caller.identity, 'look', cluster === undefined ? installation : inCluster(cluster));
  return { webhooks: (await db.webhooks.list()).filter(mayLook).map(webhookToWire) };
}

/** What is queued for it is not sent any more. */
export async function removeWebhook(
  { db }: Uses<'db.webhooks'>,
  { name }: RemoveWebhookRequest,
  { kept }: KeepingContext<RemoveWebhookResponse>,
): Promise<RemoveWebhookResponse> {
  return answer(await db.webhooks.remove(name, kept(answer)));
}

/** Sends it an event that says that it is a test, and tells what came of it. */
export async function testWebhook(
  { db, webhooks }: Uses<'db.webhooks' | 'webhooks'>,
  { name }: TestWebhookRequest,
): Promise<TestWebhookResponse> {
  const { kind, text } = await webhooks.test(await db.webhooks.require(name));
  return { taken: kind === 'taken', outcome: text };
}

/** The new secret signs from now on, beside the one before for a while; who had said that it is gone is sent to again. */
export async function rotateWebhookSecret(
  { db }: Uses<'db.webhooks'>,
  { name, secret, overlapSeconds }: RotateWebhookSecretRequest,
  { kept }: KeepingContext<RotateWebhookSecretResponse>,
): Promise<RotateWebhookSecretResponse> {
  if (overlapSeconds > longestOverlapSeconds) {
    const message = `Two secrets sign for at most ${longestOverlapSeconds / 3600} hours.`;
    throw new LockstepError('invalid-input', 'overlap-too-long', message, { overlapSeconds });
  }
  const parsed = parseWebhookSecret(secret.toString('utf8'));
  return answer(await db.webhooks.rotate(name, parsed, overlapSeconds * 1000, kept(answer)));
}
