// SPDX-License-Identifier: GPL-2.0-only
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { because } from '../api/because';
import { answerOf, api } from '../api/client';
import { ActionButton } from '../display/action-button';
import { ReasonDialog } from '../display/reason-dialog';
import { schedulesKey } from './schedules';

export interface RemoveScheduleProps {
  readonly kind: 'window' | 'freeze';
  readonly name: string;
  /** Empty: every cluster. */
  readonly cluster: string;
  readonly whyNot: string | undefined;
}

const remove = ({ kind, name, cluster }: RemoveScheduleProps, reason: string): Promise<unknown> =>
  kind === 'window'
    ? answerOf(
        api.DELETE('/v1/clusters/{cluster}/windows/{name}', {
          params: { path: { cluster, name } },
          ...because(reason),
        }),
      )
    : answerOf(
        api.DELETE('/v1/freezes/{name}', {
          params: { path: { name }, query: cluster === '' ? {} : { cluster } },
          ...because(reason),
        }),
      );

export function RemoveSchedule(props: RemoveScheduleProps): ReactElement {
  const { kind, name, cluster, whyNot } = props;
  const client = useQueryClient();
  const [isAsking, setAsking] = useState(false);
  return (
    <>
      <ActionButton
        label="Remove"
        name={`Remove the ${kind} ${name} of ${cluster === '' ? 'every cluster' : cluster}`}
        whyNot={whyNot}
        onClick={() => {
          setAsking(true);
        }}
      />
      {isAsking && (
        <ReasonDialog
          title={`Remove the ${kind} ${name}`}
          confirm="Remove"
          isDangerous
          act={async (reason) => {
            await remove(props, reason);
            await client.invalidateQueries({ queryKey: schedulesKey });
          }}
          onClose={() => {
            setAsking(false);
          }}
        >
          {kind === 'window'
            ? 'Loads may begin at any time then, unless another window or a freeze says otherwise.'
            : 'What waits for its end begins as soon as windows allow it.'}
        </ReasonDialog>
      )}
    </>
  );
}
