// SPDX-License-Identifier: GPL-2.0-only
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { answerOf, api } from '../api/client';
import { refreshMs } from '../api/queries';
import { Awaited } from '../display/awaited';
import { NothingHere } from '../display/nothing-here';
import { Panel } from '../display/panel';
import { EventList } from '../overview/event-list';

const shown = 20;

/** What happened to one node, newest first. */
export function NodeHistory({ name }: { readonly name: string }): ReactElement {
  const query = useQuery({
    queryKey: ['events', { subject: name, shown }],
    queryFn: async ({ signal }) => {
      const query = { subject: name, limit: shown, types: ['node.*'] };
      return (await answerOf(api.GET('/v1/events', { signal, params: { query } }))).events ?? [];
    },
    refetchInterval: refreshMs,
  });
  return (
    <Panel title="History" aside="of the last 30 days">
      <Awaited query={query}>
        {(events) =>
          events.length === 0 ? (
            <NothingHere title="Nothing has happened to it that anybody would be told of." />
          ) : (
            <EventList events={events} />
          )
        }
      </Awaited>
    </Panel>
  );
}
