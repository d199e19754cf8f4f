// SPDX-License-Identifier: GPL-2.0-only
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { api, doneBy } from '../api/client';
import type { RolloutMessage } from '../api/schemas';
import { ActionButton } from '../display/action-button';
import type { IconName } from '../display/icon';
import { ReasonDialog } from '../display/reason-dialog';
import { whyNot } from '../session/may';
import { useSession } from '../session/session';
import { hasEnded } from './rollout';
import { RollBack } from './roll-back';
import { orders, whyNotOrder, type OrderKind } from './orders';

interface OrderShown {
  readonly label: string;
  readonly icon: IconName;
  readonly outcome: string;
}

const shown: Readonly<Record<OrderKind, OrderShown>> = {
  pause: {
    label: 'Pause',
    icon: 'pause',
    outcome: 'Nodes that are on their way arrive; nobody else starts until it is resumed.',
  },
  resume: { label: 'Resume', icon: 'play', outcome: 'It goes on. What failed until now is no reason to halt again.' },
  retry: {
    label: 'Try again',
    icon: 'again',
    outcome: 'It waits once more for every node that failed, is overdue or away.',
  },
  abort: {
    label: 'Abort',
    icon: 'stop',
    outcome: 'It stops for good, where it is: nodes that are on their way arrive, the others stay at their positions.',
  },
};

function give(kind: OrderKind, id: string, reason: string): Promise<void> {
  const asked = { params: { path: { id } }, body: { reason } };
  switch (kind) {
    case 'pause':
      return doneBy(api.POST('/v1/rollouts/{id}/pause', asked));
    case 'resume':
      return doneBy(api.POST('/v1/rollouts/{id}/resume', asked));
    case 'retry':
      return doneBy(api.POST('/v1/rollouts/{id}/retry', asked));
    case 'abort':
      return doneBy(api.POST('/v1/rollouts/{id}/abort', asked));
  }
}

/** What an operator may say to a rollout, and what they may not, and why. */
export function OrderButtons({ rollout }: { readonly rollout: RolloutMessage }): ReactElement {
  const session = useSession();
  const client = useQueryClient();
  const [asking, setAsking] = useState<OrderKind>();
  const { id = '', cluster = '', toSeq } = rollout;
  const forbidden = whyNot(session, 'roll-out', cluster);
  // Of one that has ended what failed may be tried again, where it succeeded: the rest is over.
  const sensible = orders.filter((kind) => !hasEnded(rollout) || whyNotOrder(kind, rollout) === undefined);
  return (
    <>
      {sensible.map((kind) => (
        <ActionButton
          key={kind}
          label={shown[kind].label}
          icon={shown[kind].icon}
          whyNot={forbidden ?? whyNotOrder(kind, rollout)}
          onClick={() => {
            setAsking(kind);
          }}
        />
      ))}
      <RollBack rollout={rollout} />
      {asking !== undefined && (
        <ReasonDialog
          title={`${shown[asking].label}: ${cluster} to ${toSeq ?? 0}`}
          confirm={shown[asking].label}
          isDangerous={asking === 'abort'}
          needsReason={asking === 'resume' && rollout.status === 'ROLLOUT_STATUS_HALTED'}
          act={async (reason) => {
            await give(asking, id, reason);
            await client.invalidateQueries({ queryKey: ['rollouts'] });
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
