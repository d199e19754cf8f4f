// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import type { Schemas } from '../api/schemas';
import { Ago } from '../time/ago';

/** What happened, newest first. @param events the oldest first, as they are answered */
export function EventList({ events }: { readonly events: readonly Schemas['Event'][] }): ReactElement {
  return (
    <ol className="lately">
      {events.toReversed().map(({ seq, at, message, type }) => (
        <li key={seq}>
          <span className="lately-when dim">
            <Ago at={at} />
          </span>
          <span title={type}>{message}</span>
        </li>
      ))}
    </ol>
  );
}
