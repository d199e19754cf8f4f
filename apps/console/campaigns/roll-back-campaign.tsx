// SPDX-License-Identifier: GPL-2.0-only
import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { Link } from 'react-router';
import { answerOf, api } from '../api/client';
import type { Schemas } from '../api/schemas';
import { ActionButton } from '../display/action-button';
import { PageDialog } from '../display/page-dialog';
import { ProblemNote } from '../display/problem-note';
import { ReasonField } from '../display/reason-field';
import { whyNot } from '../session/may';
import { useSession } from '../session/session';
import { hasEnded, type CampaignMessage } from './campaign';

type Undone = Schemas['UndoneMember'];

function What({ outcome, rolloutId = '', seq, problem }: Undone): ReactElement {
  switch (outcome) {
    case 'begun':
      return <Link to={`/rollouts/${rolloutId}`}>a rollout takes it back</Link>;
    case 'there':
      return <Link to={`/rollouts/${rolloutId}`}>a rollout takes it back already</Link>;
    case 'never-begun':
      return <>{seq === undefined ? 'nothing was ordered' : `nothing was rolled out; entry ${seq} can be retired`}</>;
    case undefined:
    default:
      return <>{problem?.message ?? outcome}</>;
  }
}

/** Of each cluster what became of it: each of these rollouts asks for the approvals of its cluster. */
function WhatBecame({ members }: { readonly members: readonly Undone[] }): ReactElement {
  return (
    <ul className="said">
      {members.map((member) => (
        <li key={`${member.cluster ?? ''} ${member.kernelBuildId ?? ''}`}>
          <strong>{member.cluster}</strong> <What {...member} />
        </li>
      ))}
    </ul>
  );
}

interface DialogProps {
  readonly campaign: CampaignMessage;
  readonly onClose: () => void;
}

function Dialog({ campaign, onClose }: DialogProps): ReactElement {
  const { id = '', patchName } = campaign;
  const client = useQueryClient();
  const [reason, setReason] = useState('');
  const { mutate, data, isPending, error } = useMutation({
    mutationFn: () => answerOf(api.POST('/v1/campaigns/{id}/rollback', { params: { path: { id } }, body: { reason } })),
    onSettled: () => client.invalidateQueries(),
  });
  return (
    <PageDialog onClose={onClose} title={`Roll back: ${patchName ?? ''}`}>
      <form
        className="dialog-form"
        onSubmit={(event) => {
          event.preventDefault();
          mutate();
        }}
      >
        {data === undefined ? (
          <>
            <p>
              {hasEnded(campaign) ? '' : 'It ends for good, and '}
              each of its rollouts is rolled back, forward: a rollout in each cluster retires what was loaded, the last
              cluster first.
            </p>
            <ReasonField reason={reason} onReason={setReason} />
          </>
        ) : (
          <WhatBecame members={data.members ?? []} />
        )}
        <ProblemNote error={error} what="Not all of it was begun: ask again for the rest" />
        <div className="dialog-actions">
          <Button variant="default" onClick={onClose}>
            {data === undefined ? 'Cancel' : 'Close'}
          </Button>
          {data === undefined && (
            <Button type="submit" color="red" loading={isPending}>
              Roll back
            </Button>
          )}
        </div>
      </form>
    </PageDialog>
  );
}

/** Takes back in every cluster what a campaign has brought. */
export function RollBackCampaign({ campaign }: { readonly campaign: CampaignMessage }): ReactElement {
  const session = useSession();
  const [isAsking, setIsAsking] = useState(false);
  const clusters = [...new Set((campaign.members ?? []).flatMap(({ cluster }) => cluster ?? []))];
  const forbidden = clusters
    .flatMap((cluster) => [whyNot(session, 'roll-out', cluster), whyNot(session, 'order', cluster)])
    .find((why) => why !== undefined);
  return (
    <>
      <ActionButton
        label="Roll back"
        icon="back"
        whyNot={forbidden}
        onClick={() => {
          setIsAsking(true);
        }}
      />
      {isAsking && (
        <Dialog
          campaign={campaign}
          onClose={() => {
            setIsAsking(false);
          }}
        />
      )}
    </>
  );
}
