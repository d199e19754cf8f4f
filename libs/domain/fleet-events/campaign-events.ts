// SPDX-License-Identifier: GPL-2.0-only
import type { CampaignState } from '@lockstep/domain/campaign';
import type { EventType, FleetEvent } from './fleet-event';

/** A campaign as it stands. */
export interface ShownCampaign {
  readonly id: string;
  readonly patchName: string;
  readonly author: string;
  readonly state: CampaignState;
  /** How many load orders it is for. */
  readonly members: number;
}

const stateTypes = {
  preparing: undefined,
  waiting: undefined,
  running: undefined,
  paused: 'campaign.paused',
  halted: 'campaign.halted',
  succeeded: 'campaign.done',
  aborted: 'campaign.aborted',
} as const satisfies Record<CampaignState, EventType | undefined>;

const words = {
  'campaign.paused': 'is paused',
  'campaign.halted': 'has halted: one of its members is in trouble, and nobody else begins before somebody has looked',
  'campaign.resumed': 'goes on',
  'campaign.done': 'is done',
  'campaign.aborted': 'was aborted',
} as const;

const isStop = (type: EventType): boolean => type === 'campaign.paused' || type === 'campaign.halted';

/**
 * What a campaign has to tell as it stands: of no cluster, for it is of several, and it names none. Each event has a key, so that
 * it may be told again and is one.
 * @param before types told of it already, the oldest first
 */
export function campaignEvents(campaign: ShownCampaign, before: readonly EventType[]): FleetEvent[] {
  const { id, patchName, author, state, members } = campaign;
  const common = { cluster: null, subject: id } as const;
  const data = { campaign: id, patch: patchName, members };
  const started: FleetEvent = {
    ...{ ...common, key: `campaign ${id} started`, type: 'campaign.started' },
    message: `Campaign ${id} of ${patchName} was begun by ${author}: ${members} load orders.`,
    data: { ...data, by: author },
  };
  const told = before.filter((type) => type.startsWith('campaign.'));
  const last = told.at(-1);
  const type = stateTypes[state] ?? (last !== undefined && isStop(last) ? 'campaign.resumed' : undefined);
  if (type === undefined || type === last) return [started];
  const change: FleetEvent = {
    // The same one until it is told, and another one when it halts again.
    ...{ ...common, key: `campaign ${id} ${type} ${Math.max(1, told.length)}`, type },
    message: `Campaign ${id} of ${patchName} ${words[type]}: lockstep campaign show ${id}`,
    data,
  };
  return [started, change];
}
