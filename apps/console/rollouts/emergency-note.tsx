// SPDX-License-Identifier: GPL-2.0-only
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { api, doneBy } from '../api/client';
import type { RolloutMessage, Session } from '../api/schemas';
import { ActionButton } from '../display/action-button';
import { Icon } from '../display/icon';
import { ReasonDialog } from '../display/reason-dialog';
import { whyNot } from '../session/may';
import { useSession } from '../session/session';
import { Ago } from '../time/ago';

/** Whoever broke the glass is nobody's second pair of eyes. */
function whyNotConfirm(by: string | undefined, { identity }: Pick<Session, 'identity'>): string | undefined {
  if (identity.kind !== 'person') return 'A program’s word is no second pair of eyes: people confirm.';
  return by === `${identity.kind}:${identity.name}` ? 'You broke the glass: somebody else confirms it.' : undefined;
}

function Confirm({ rollout }: { readonly rollout: RolloutMessage }): ReactElement {
  const session = useSession();
  const client = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  const { id = '', cluster, emergency } = rollout;
  return (
    <>
      <ActionButton
        label="Confirm it"
        icon="check"
        whyNot={whyNot(session, 'approve', cluster) ?? whyNotConfirm(emergency?.by, session)}
        onClick={() => {
          setAsking(true);
        }}
      />
      {isAsking && (
        <ReasonDialog
          title="Confirm this emergency"
          confirm="Confirm it"
          needsReason
          act={async (reason) => {
            await doneBy(api.POST('/v1/rollouts/{id}/confirm', { params: { path: { id } }, body: { reason } }));
            await Promise.all(['rollouts', 'census'].map((key) => client.invalidateQueries({ queryKey: [key] })));
          }}
          onClose={() => {
            setAsking(false);
          }}
        >
          You say afterwards that it was right to skip windows, approvals and bake times. It changes nothing of the
          rollout.
        </ReasonDialog>
      )}
    </>
  );
}

/** That a rollout is an emergency: who broke the glass, why, until when, and who has confirmed it. */
export function EmergencyNote({ rollout }: { readonly rollout: RolloutMessage }): ReactElement | null {
  const { emergency } = rollout;
  if (emergency === undefined) return null;
  const { by, reason, until, confirmedBy, confirmation, confirmedAt } = emergency;
  return (
    <div className={`note tone-${confirmedBy === undefined ? 'bad' : 'warn'}`}>
      <Icon name="warning" size={18} />
      <div className="emergency">
        <div>
          <strong>An emergency:</strong> windows, approvals and bake times hold nobody. {by} broke the glass: {reason}
          {until !== undefined && (
            <>
              {' '}
              It may go on like that until <Ago at={until} />.
            </>
          )}
          <br />
          {confirmedBy === undefined ? (
            'Nobody else has confirmed it yet.'
          ) : (
            <>
              Confirmed by {confirmedBy} <Ago at={confirmedAt} />: {confirmation}
            </>
          )}
        </div>
        {confirmedBy === undefined && <Confirm rollout={rollout} />}
      </div>
    </div>
  );
}
