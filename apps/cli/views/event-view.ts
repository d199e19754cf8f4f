// SPDX-License-Identifier: GPL-2.0-only
import type { Event, Webhook } from '@lockstep/contracts/generated';
import { visibleLine } from '@lockstep/domain/visible-text';
import { toDocument } from '../document';
import { showTime, table } from '../table';

/** `data` as the JSON that it is; as it came from a server that sends something else. */
function dataOf({ data }: Event): unknown {
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}

export const eventDocument = (event: Event): object => ({ ...(toDocument(event) as object), data: dataOf(event) });

/** `2026-11-28 10:31:02Z rollout.halted Rollout … was halted: …` */
export const eventLine = ({ at, type, message }: Event): string => visibleLine(`${showTime(at)} ${type} ${message}`);

export const webhookTable = (webhooks: readonly Webhook[]): string =>
  table(
    ['WEBHOOK', 'URL', 'EVENTS', 'CLUSTER', 'STATE', 'TRIED', 'TAKEN', 'LAST OUTCOME'],
    webhooks.map((webhook) => [
      webhook.name,
      webhook.url,
      webhook.types.join(' ') || 'all',
      webhook.cluster || 'all',
      webhook.disabled === '' ? 'on' : `off: it ${webhook.disabled}`,
      showTime(webhook.triedAt),
      showTime(webhook.takenAt),
      webhook.outcome,
    ]),
    'No webhooks.',
  );
