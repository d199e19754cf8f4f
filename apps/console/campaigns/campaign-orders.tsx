// SPDX-License-Identifier: GPL-2.0-only
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { api, doneBy } from '../api/client';
import type { Session } from '../api/schemas';
import { ActionButton } from '../display/action-button';
import type { IconName } from '../display/icon';
import { ReasonDialog } from '../display/reason-dialog';
import { whyNot } from '../session/may';
import { useSession } from '../session/session';
import { hasEnded, type CampaignMessage } from './campaign';

const kinds = ['approve', 'pause', 'resume', 'abort'] as const;
type Kind = (typeof kinds)[number];

interface Shown {
  readonly label: string;
  readonly icon: IconName;
  readonly outcome: string;
}

const shown: Readonly<Record<Kind, Shown>> = {
  approve: {
    label: 'Approve',
    icon: 'check',
    outcome: 'Your word is given to exactly the plans of all its members as they are now, in each of their rollouts.',
  },
  pause: { label: 'Pause', icon: 'pause', outcome: 'Nobody begins any more, and the rollouts that were let go pause.' },
  resume: {
    label: 'Resume',
    icon: 'play',
    outcome: 'It goes on. A member that is in trouble now holds the others no more.',
  },
  abort: { label: 'Abort', icon: 'stop', outcome: 'It ends for good: its rollouts that have not ended are aborted.' },
};

function give(kind: Kind, { id = '', planHash = '' }: CampaignMessage, reason: string): Promise<void> {
  const asked = { params: { path: { id } }, body: { reason } };
  switch (kind) {
    case 'approve':
      return doneBy(api.POST('/v1/campaigns/{id}/approve', { ...asked, body: { reason, planHash } }));
    case 'pause':
      return doneBy(api.POST('/v1/campaigns/{id}/pause', asked));
    case 'resume':
      return doneBy(api.POST('/v1/campaigns/{id}/resume', asked));
    case 'abort':
      return doneBy(api.POST('/v1/campaigns/{id}/abort', asked));
  }
}

/** Why an order makes no sense as things are; undefined where it does. The control plane decides it again. */
function senseless(kind: Kind, campaign: CampaignMessage, { identity }: Session): string | undefined {
  const { status, author, planHash } = campaign;
  const isHeld = status === 'CAMPAIGN_STATUS_PAUSED' || status === 'CAMPAIGN_STATUS_HALTED';
  switch (kind) {
    case 'approve':
      if (status !== 'CAMPAIGN_STATUS_WAITING') return 'It waits for nobody’s approval now.';
      if (identity.kind !== 'person') return 'A program’s word is no second pair of eyes: people approve.';
      if (author === `${identity.kind}:${identity.name}`)
        return 'You asked for it, and nobody approves what they ask for.';
      return planHash === undefined ? 'Not all of its members are planned yet.' : undefined;
    case 'pause':
      return isHeld ? 'It goes no further already.' : undefined;
    case 'resume':
      return isHeld ? undefined : 'It goes on already.';
    case 'abort':
      return undefined;
  }
}

/** What somebody may say to a campaign, and what they may not, and why. */
export function CampaignOrders({ campaign }: { readonly campaign: CampaignMessage }): ReactElement | null {
  const session = useSession();
  const client = useQueryClient();
  const [asking, setAsking] = useState<Kind>();
  if (hasEnded(campaign)) return null;
  const clusters = [...new Set((campaign.members ?? []).flatMap(({ cluster }) => cluster ?? []))];
  const forbidden = (kind: Kind): string | undefined => {
    const verb = kind === 'approve' ? 'approve' : 'roll-out';
    return clusters.map((cluster) => whyNot(session, verb, cluster)).find((why) => why !== undefined);
  };
  return (
    <>
      {kinds.map((kind) => (
        <ActionButton
          key={kind}
          label={shown[kind].label}
          icon={shown[kind].icon}
          whyNot={forbidden(kind) ?? senseless(kind, campaign, session)}
          onClick={() => {
            setAsking(kind);
          }}
        />
      ))}
      {asking !== undefined && (
        <ReasonDialog
          title={`${shown[asking].label}: ${campaign.patchName ?? ''}`}
          confirm={shown[asking].label}
          isDangerous={asking === 'abort'}
          needsReason={asking === 'resume' && campaign.status === 'CAMPAIGN_STATUS_HALTED'}
          act={async (reason) => {
            await give(asking, campaign, reason);
            await client.invalidateQueries({ queryKey: ['campaigns'] });
          }}
          onClose={() => {
            setAsking(undefined);
          }}
        >
          {shown[asking].outcome}
        </ReasonDialog>
      )}
    </>
  );
}
