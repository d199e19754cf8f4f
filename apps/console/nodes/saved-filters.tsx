// SPDX-License-Identifier: GPL-2.0-only
import { Button, NativeSelect } from '@mantine/core';
import { useLocalStorage } from '@mantine/hooks';
import type { ReactElement } from 'react';
import { filterKeys, filtersInAddress, type NodeFilters } from './node-filters';

export interface SavedFiltersProps {
  readonly filters: NodeFilters;
  readonly set: (filters: NodeFilters) => void;
}

const wordsOf = (address: string): string =>
  [...new URLSearchParams(address)]
    .map(([key, value]) => `${key} ${value.replace('NODE_STATUS_', '').toLowerCase()}`)
    .join(', ');

const filtersOf = (address: string): NodeFilters => {
  const params = new URLSearchParams(address);
  return Object.fromEntries(filterKeys.map((key) => [key, params.get(key) ?? ''])) as unknown as NodeFilters;
};

/** Filters that somebody wants again, kept in this browser. */
export function SavedFilters({ filters, set }: SavedFiltersProps): ReactElement | null {
  const [saved, setSaved] = useLocalStorage<string[]>({ key: 'lockstep-node-filters', defaultValue: [] });
  const now = filtersInAddress(filters);
  const isSaved = saved.includes(now);
  if (now === '' && saved.length === 0) return null;
  return (
    <>
      {saved.length > 0 && (
        <NativeSelect
          aria-label="Saved filters"
          data={[{ value: '', label: 'Saved filters' }, ...saved.map((value) => ({ value, label: wordsOf(value) }))]}
          value={isSaved ? now : ''}
          onChange={({ currentTarget }) => {
            set(filtersOf(currentTarget.value));
          }}
        />
      )}
      {now !== '' && (
        <Button
          variant="default"
          onClick={() => {
            setSaved(isSaved ? saved.filter((each) => each !== now) : [...saved, now]);
          }}
        >
          {isSaved ? 'Forget this filter' : 'Save this filter'}
        </Button>
      )}
    </>
  );
}
