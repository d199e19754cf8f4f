// SPDX-License-Identifier: GPL-2.0-only
import { useQuery, useQueryClient, type UseQueryResult } from '@tanstack/react-query';
import { answerOf, api } from '../api/client';
import { useLiveEvents, type LiveState } from '../api/live-events';
import type { Schemas } from '../api/schemas';
import { ownValue } from '../display/own-value';
import type { StateWord } from '../display/tones';

export type CampaignMessage = Schemas['Campaign'];
export type CampaignMember = Schemas['CampaignMember'];
type Status = NonNullable<CampaignMessage['status']>;

export const campaignWords: Readonly<Record<Status, StateWord>> = {
  CAMPAIGN_STATUS_UNSPECIFIED: { tone: 'idle', icon: 'silent', word: 'unknown' },
  CAMPAIGN_STATUS_PREPARING: { tone: 'busy', icon: 'clock', word: 'preparing' },
  CAMPAIGN_STATUS_WAITING: { tone: 'warn', icon: 'clock', word: 'waits for approval' },
  CAMPAIGN_STATUS_RUNNING: { tone: 'busy', icon: 'moving', word: 'running' },
  CAMPAIGN_STATUS_PAUSED: { tone: 'warn', icon: 'pause', word: 'paused' },
  CAMPAIGN_STATUS_HALTED: { tone: 'bad', icon: 'halt', word: 'halted' },
  CAMPAIGN_STATUS_SUCCEEDED: { tone: 'good', icon: 'check', word: 'succeeded' },
  CAMPAIGN_STATUS_ABORTED: { tone: 'idle', icon: 'cross', word: 'aborted' },
};

export const campaignWord = (status: Status | undefined): StateWord =>
  campaignWords[status ?? 'CAMPAIGN_STATUS_UNSPECIFIED'];

/** States of a member that have a look of their own; the others are told in their own word, as waiting. */
const memberLooks: Readonly<Record<string, Pick<StateWord, 'tone' | 'icon'>>> = {
  building: { tone: 'busy', icon: 'moving' },
  'build-failed': { tone: 'bad', icon: 'cross' },
  refused: { tone: 'bad', icon: 'cross' },
  held: { tone: 'idle', icon: 'clock' },
  running: { tone: 'busy', icon: 'moving' },
  paused: { tone: 'warn', icon: 'pause' },
  halted: { tone: 'bad', icon: 'halt' },
  succeeded: { tone: 'good', icon: 'check' },
  aborted: { tone: 'idle', icon: 'cross' },
};

export const memberWord = (state = ''): StateWord => ({
  ...(ownValue(memberLooks, state) ?? { tone: 'idle', icon: 'clock' }),
  word: state.replaceAll('-', ' '),
});

export const hasEnded = ({ endedAt }: CampaignMessage): boolean => endedAt !== undefined;

export interface LiveCampaign {
  readonly query: UseQueryResult<CampaignMessage>;
  readonly live: LiveState;
}

/** A campaign as it is, and as it goes on while somebody looks. */
export function useCampaign(id: string): LiveCampaign {
  const client = useQueryClient();
  const queryKey = ['campaigns', id];
  const query = useQuery({
    queryKey,
    queryFn: async ({ signal }): Promise<CampaignMessage> =>
      (await answerOf(api.GET('/v1/campaigns/{id}', { signal, params: { path: { id } } }))).campaign ?? {},
  });
  const isFollowed = query.data !== undefined && !hasEnded(query.data);
  const live = useLiveEvents(isFollowed ? `/v1/campaigns/${encodeURIComponent(id)}/events` : undefined, (data) => {
    const { campaign } = JSON.parse(data) as Schemas['WatchCampaignResponse'];
    if (campaign !== undefined) client.setQueryData(queryKey, campaign);
  });
  return { query, live };
}
