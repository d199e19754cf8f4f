// SPDX-License-Identifier: GPL-2.0-only
import { NativeSelect } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { answerOf, api } from '../api/client';
import { everywhere, whyNot } from '../session/may';
import { useSession } from '../session/session';
import { ownZone } from './calendar';
import { Field, FormEnd } from './form-parts';
import type { NewScheduleProps } from './new-window';
import { PageDialog } from '../display/page-dialog';
import { schedulesKey } from './schedules';

interface Wanted {
  /** Empty: every cluster. */
  readonly cluster: string;
  readonly name: string;
  readonly selector: string;
  /** As the clocks of the browser show it; empty: now. */
  readonly from: string;
  readonly until: string;
  readonly reason: string;
}

const momentOf = (local: string): string => new Date(local).toISOString();

export function NewFreeze({ clusters, onClose }: NewScheduleProps): ReactElement {
  const client = useQueryClient();
  const whyNotAll = whyNot(useSession(), 'roll-out', everywhere);
  const allowed = whyNotAll === undefined ? ['', ...clusters] : clusters;
  const [wanted, setWanted] = useState<Wanted>({
    ...{ cluster: allowed[0] ?? '', name: '', selector: '', from: '', until: '', reason: '' },
  });
  const { mutate, isPending, error } = useMutation({
    mutationFn: async () => {
      const { from, until, ...rest } = wanted;
      const times = { until: momentOf(until), ...(from === '' ? {} : { from: momentOf(from) }) };
      return answerOf(api.POST('/v1/freezes', { body: { ...rest, ...times } }));
    },
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: schedulesKey });
    },
  });
  const set = (key: keyof Wanted) => (value: string) => {
    setWanted({ ...wanted, [key]: value });
  };
  return (
    <PageDialog onClose={onClose} title="Freeze">
      <form
        className="dialog-form"
        onSubmit={(event) => {
          event.preventDefault();
          mutate();
        }}
      >
        <p>Nobody starts while it is on, whatever the windows say. Who is on the way arrives.</p>
        <NativeSelect
          label="Cluster"
          data={allowed.map((value) => ({ value, label: value === '' ? 'every cluster' : value }))}
          value={wanted.cluster}
          {...(whyNotAll === undefined ? {} : { description: whyNotAll })}
          onChange={({ currentTarget }) => {
            set('cluster')(currentTarget.value);
          }}
        />
        <Field label="Name" value={wanted.name} isRequired onChange={set('name')} />
        <Field
          label="Nodes"
          description="By labels, as tier=db. Empty: all."
          value={wanted.selector}
          onChange={set('selector')}
        />
        <Field
          label="From"
          description={`Times are of ${ownZone()}. Empty: now.`}
          type="datetime-local"
          value={wanted.from}
          onChange={set('from')}
        />
        <Field label="Until" type="datetime-local" value={wanted.until} isRequired onChange={set('until')} />
        <Field label="Reason" value={wanted.reason} onChange={set('reason')} />
        <FormEnd
          error={error}
          what="Nothing was frozen"
          confirm="Freeze"
          isPending={isPending}
          isDisabled={wanted.name === '' || wanted.until === ''}
          onClose={onClose}
        />
      </form>
    </PageDialog>
  );
}
