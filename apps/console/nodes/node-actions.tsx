// SPDX-License-Identifier: GPL-2.0-only
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { useNavigate } from 'react-router';
import { because } from '../api/because';
import { api, doneBy } from '../api/client';
import type { NodeMessage } from '../api/schemas';
import { ActionButton } from '../display/action-button';
import type { IconName } from '../display/icon';
import { ReasonDialog } from '../display/reason-dialog';
import { whyNot } from '../session/may';
import { useSession } from '../session/session';

const actions = ['release', 'revoke', 'remove'] as const;
type Action = (typeof actions)[number];

const shown: Readonly<Record<Action, { readonly label: string; readonly icon: IconName; readonly outcome: string }>> = {
  release: {
    label: 'Release',
    icon: 'play',
    outcome: 'It loads again what it did not survive, and is on trial from then on.',
  },
  revoke: {
    label: 'Revoke certificate',
    icon: 'lock',
    outcome: 'Its certificate is good for nothing from now on and its streams end. It stays known, and may join again.',
  },
  remove: {
    label: 'Remove',
    icon: 'cross',
    outcome: 'It is taken out: its stream ends and nothing waits for it. Its name may join again.',
  },
};

function act(action: Action, name: string, reason: string): Promise<void> {
  const asked = { params: { path: { name } }, ...because(reason) };
  switch (action) {
    case 'release':
      return doneBy(api.POST('/v1/nodes/{name}/release', { ...asked, body: {} }));
    case 'revoke':
      return doneBy(api.POST('/v1/nodes/{name}/revoke', { ...asked, body: {} }));
    case 'remove':
      return doneBy(api.DELETE('/v1/nodes/{name}', asked));
  }
}

/** What may be done with a node, and what may not, and why. */
export function NodeActions({ node }: { readonly node: NodeMessage }): ReactElement {
  const session = useSession();
  const client = useQueryClient();
  const navigate = useNavigate();
  const [asking, setAsking] = useState<Action>();
  const { name = '', cluster = '', report, revokedAt } = node;
  const reasons: Readonly<Record<Action, string | undefined>> = {
    release:
      whyNot(session, 'roll-out', cluster) ??
      (report?.quarantine === undefined || report.quarantine.released === true ? 'It is not quarantined.' : undefined),
    revoke:
      whyNot(session, 'admit', cluster) ??
      (revokedAt === undefined ? undefined : 'Its certificate is revoked already.'),
    remove: whyNot(session, 'admit', cluster),
  };
  return (
    <>
      {actions.map((action) => (
        <ActionButton
          key={action}
          label={shown[action].label}
          icon={shown[action].icon}
          whyNot={reasons[action]}
          onClick={() => {
            setAsking(action);
          }}
        />
      ))}
      {asking !== undefined && (
        <ReasonDialog
          title={`${shown[asking].label}: ${name}`}
          confirm={shown[asking].label}
          isDangerous={asking !== 'release'}
          act={async (reason) => {
            await act(asking, name, reason);
            if (asking === 'remove') await navigate('/nodes');
            await client.invalidateQueries({ queryKey: ['nodes'] });
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
