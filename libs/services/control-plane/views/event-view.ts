// SPDX-License-Identifier: GPL-2.0-only
import type { Event, Webhook } from '@lockstep/contracts/generated';
import type { EventRecord, WebhookRecord } from '@lockstep/io/database';
import { showEndpointUrl } from '@lockstep/io/webhook-delivery';

export const eventToWire = ({ cluster, data, ...rest }: EventRecord): Event => ({
  ...rest,
  cluster: cluster ?? '',
  data: JSON.stringify(data),
});

/** Without its secrets. */
export const webhookToWire = (webhook: WebhookRecord): Webhook => ({
  name: webhook.name,
  url: showEndpointUrl(webhook.url),
  types: [...webhook.types],
  cluster: webhook.cluster ?? '',
  createdAt: webhook.createdAt,
  previousUntil: webhook.previous?.until,
  disabled: webhook.disabled ?? '',
  triedAt: webhook.triedAt,
  takenAt: webhook.takenAt,
  outcome: webhook.outcome ?? '',
  afterSeq: webhook.afterSeq,
});
