// SPDX-License-Identifier: GPL-2.0-only
import { Checkbox, NativeSelect } from '@mantine/core';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { weekdays } from '@lockstep/domain/schedule';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { answerOf, api } from '../api/client';
import { useMinuteMs } from '../time/now';
import { daysFrom, dayOrder, openings, ownZone, wallWords, windowOf } from './calendar';
import { Field, FormEnd } from './form-parts';
import { PageDialog } from '../display/page-dialog';
import { schedulesKey } from './schedules';

interface Wanted {
  readonly cluster: string;
  readonly name: string;
  readonly selector: string;
  readonly zone: string;
  readonly days: readonly string[];
  readonly start: string;
  readonly hours: string;
  readonly cutoffMinutes: string;
}

const mondayFirst = dayOrder(weekdays);
const zonesListId = 'time-zones';
const shownOpenings = 3;

const secondsOf = (text: string, unit: number): number => Math.max(0, Math.round(Number(text) * unit)) || 0;

const bodyOf = ({ name, selector, zone, days, start, hours, cutoffMinutes }: Wanted) => ({
  ...{ name, selector, zone, start, days: [...days] },
  ...{ lengthSeconds: secondsOf(hours, 3_600), cutoffSeconds: secondsOf(cutoffMinutes, 60) },
});

/** When it would open next in its zone and in the reader's, or why it never would. */
function Preview({ wanted }: { readonly wanted: Wanted }): ReactElement {
  const fromMs = useMinuteMs();
  try {
    const window = windowOf(bodyOf(wanted));
    const own = ownZone();
    const untilMs = daysFrom(own, fromMs).at(-1)?.untilMs ?? fromMs;
    return (
      <div className="plan">
        {openings(window, { fromMs, untilMs })
          .slice(0, shownOpenings)
          .map((each) => (
            <p key={each.fromMs}>
              {wallWords(window.zone, each.fromMs)} to {wallWords(window.zone, each.untilMs)} in {window.zone}
              {own !== window.zone && (
                <span className="dim">
                  , here {wallWords(own, each.fromMs)} to {wallWords(own, each.untilMs)}
                </span>
              )}
            </p>
          ))}
      </div>
    );
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return <p className="dim">{error.message}</p>;
  }
}

export interface NewScheduleProps {
  readonly clusters: readonly string[];
  readonly onClose: () => void;
}

export function NewWindow({ clusters, onClose }: NewScheduleProps): ReactElement {
  const client = useQueryClient();
  const [wanted, setWanted] = useState<Wanted>(() => ({
    ...{ cluster: clusters[0] ?? '', name: '', selector: '', zone: ownZone() },
    ...{ days: ['sat', 'sun'], start: '02:00', hours: '4', cutoffMinutes: '30' },
  }));
  const { mutate, isPending, error } = useMutation({
    mutationFn: () =>
      answerOf(
        api.POST('/v1/clusters/{cluster}/windows', {
          params: { path: { cluster: wanted.cluster } },
          body: bodyOf(wanted),
        }),
      ),
    onSuccess: async () => {
      onClose();
      await client.invalidateQueries({ queryKey: schedulesKey });
    },
  });
  const set = (key: keyof Wanted) => (value: string) => {
    setWanted({ ...wanted, [key]: value });
  };
  return (
    <PageDialog onClose={onClose} title="Add a window">
      <form
        className="dialog-form"
        onSubmit={(event) => {
          event.preventDefault();
          mutate();
        }}
      >
        <NativeSelect
          label="Cluster"
          data={[...clusters]}
          value={wanted.cluster}
          onChange={({ currentTarget }) => {
            set('cluster')(currentTarget.value);
          }}
        />
        <Field label="Name" value={wanted.name} isRequired onChange={set('name')} />
        <Field
          label="Nodes"
          description="By labels, as tier=db. Empty: those that no other window is for."
          value={wanted.selector}
          onChange={set('selector')}
        />
        <Field label="Time zone" list={zonesListId} value={wanted.zone} isRequired onChange={set('zone')} />
        <datalist id={zonesListId}>
          {Intl.supportedValuesOf('timeZone').map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
        <fieldset className="day-choices">
          <legend>Days</legend>
          {mondayFirst.map((day) => (
            <Checkbox
              key={day}
              size="xs"
              label={day}
              checked={wanted.days.includes(day)}
              onChange={({ currentTarget }) => {
                const others = wanted.days.filter((each) => each !== day);
                setWanted({ ...wanted, days: currentTarget.checked ? [...others, day] : others });
              }}
            />
          ))}
        </fieldset>
        <div className="dialog-row">
          <Field label="Opens" type="time" value={wanted.start} isRequired onChange={set('start')} />
          <Field label="For hours" type="text" value={wanted.hours} isRequired onChange={set('hours')} />
          <Field label="Cutoff, minutes" type="number" value={wanted.cutoffMinutes} onChange={set('cutoffMinutes')} />
        </div>
        <Preview wanted={wanted} />
        <FormEnd
          error={error}
          what="No window was added"
          confirm="Add it"
          isPending={isPending}
          isDisabled={wanted.name === ''}
          onClose={onClose}
        />
      </form>
    </PageDialog>
  );
}
