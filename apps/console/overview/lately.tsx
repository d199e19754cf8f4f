// SPDX-License-Identifier: GPL-2.0-only
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { answerOf, api } from '../api/client';
import { refreshMs } from '../api/queries';
import { Awaited } from '../display/awaited';
import { NothingHere } from '../display/nothing-here';
import { Panel } from '../display/panel';
import { EventList } from './event-list';

const shown = 8;

/** What happened last, newest first. */
export function Lately(): ReactElement {
  const query = useQuery({
    queryKey: ['events', { shown }],
    queryFn: async ({ signal }) =>
      (await answerOf(api.GET('/v1/events', { signal, params: { query: { limit: shown } } }))).events ?? [],
    refetchInterval: refreshMs,
  });
  return (
    <Panel title="Lately">
      <Awaited query={query}>
        {(events) =>
          events.length === 0 ? <NothingHere title="Nothing has happened yet." /> : <EventList events={events} />
        }
      </Awaited>
    </Panel>
  );
}
