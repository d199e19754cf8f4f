// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { campaignEvents, type ShownCampaign } from './campaign-events';
import type { EventType } from './fleet-event';

const campaign = (state: ShownCampaign['state']): ShownCampaign => ({
  ...{ id: 'c1', patchName: 'fix', author: 'person:ada', members: 3 },
  state,
});

test('a campaign tells its beginning and each time that it stops, goes on and ends, once', () => {
  const told: { readonly key: string; readonly type: EventType }[] = [];
  const states = [
    ...(['preparing', 'waiting', 'running', 'halted', 'halted', 'running', 'running', 'halted'] as const),
    ...(['paused', 'running', 'succeeded', 'succeeded'] as const),
  ];
  for (const state of states) {
    // Looked at twice before it is told: it is the same event.
    const types = told.map(({ type }) => type);
    const events = campaignEvents(campaign(state), types);
    expect(campaignEvents(campaign(state), types)).toEqual(events);
    told.push(...events.filter(({ key }) => told.every((each) => each.key !== key)));
  }
  expect(told.map(({ type }) => type)).toEqual([
    ...['campaign.started', 'campaign.halted', 'campaign.resumed', 'campaign.halted', 'campaign.paused'],
    ...['campaign.resumed', 'campaign.done'],
  ]);
});

test('it names no cluster: whoever may see one of them need not know the others', () => {
  const events = campaignEvents(campaign('halted'), []);
  expect(events.map(({ cluster }) => cluster)).toEqual([null, null]);
  expect(events[1]?.message).toMatch(/has halted: .*lockstep campaign show c1$/);
});
