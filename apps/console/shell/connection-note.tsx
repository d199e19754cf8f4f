// SPDX-License-Identifier: GPL-2.0-only
import { useQueryClient } from '@tanstack/react-query';
import { useSyncExternalStore, type ReactElement } from 'react';
import { asProblem } from '../api/problem';
import { Icon } from '../display/icon';

/** Whether something that is shown was asked for and nobody answered. */
function useIsAway(): boolean {
  const cache = useQueryClient().getQueryCache();
  return useSyncExternalStore(
    (listener) => cache.subscribe(listener),
    () =>
      cache
        .findAll({ type: 'active' })
        .some(({ state }) => state.fetchFailureReason !== null && asProblem(state.fetchFailureReason).isPassing),
  );
}

/** Says once, for the whole page, that what is shown is old; it goes by itself. */
export function ConnectionNote(): ReactElement | null {
  return useIsAway() ? (
    <div className="connection-note" role="status">
      <Icon name="silent" size={14} />
      The control plane does not answer. What you see is what it said last; it is asked again until it is back.
    </div>
  ) : null;
}
