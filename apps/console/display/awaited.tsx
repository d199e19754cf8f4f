// SPDX-License-Identifier: GPL-2.0-only
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactElement, ReactNode } from 'react';
import { ProblemNote } from './problem-note';

export interface AwaitedProps<Data> {
  readonly query: UseQueryResult<Data>;
  readonly children: (data: Data) => ReactNode;
}

/** What was asked for once it is there; before, that it is awaited, or why it does not come. What is known stays when asking again fails. */
export function Awaited<Data>({ query, children }: AwaitedProps<Data>): ReactElement {
  const { data, error } = query;
  if (data !== undefined) return <>{children(data)}</>;
  if (error !== null) return <ProblemNote error={error} />;
  return (
    <p className="awaited" role="status">
      Loading…
    </p>
  );
}
