// SPDX-License-Identifier: GPL-2.0-only
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useEffect, useState, type ReactElement } from 'react';
import type { ClusterCensus } from '../clusters/census';
import { nodeStatuses, nodeWords } from '../display/tones';
import { filterKeys, type NodeFilters } from './node-filters';

/** Typing asks once it pauses. */
const settleMs = 350;

interface TypedFilterProps {
  readonly label: string;
  readonly placeholder: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function TypedFilter({ label, placeholder, value, onChange }: TypedFilterProps): ReactElement {
  const [typed, setTyped] = useState(value);
  useEffect(() => {
    setTyped(value);
  }, [value]);
  useEffect(() => {
    if (typed === value) return undefined;
    const timer = setTimeout(() => {
      onChange(typed.trim());
    }, settleMs);
    return () => {
      clearTimeout(timer);
    };
  }, [typed, value, onChange]);
  return (
    <TextInput
      label={label}
      placeholder={placeholder}
      value={typed}
      spellCheck={false}
      onChange={({ currentTarget }) => {
        setTyped(currentTarget.value);
      }}
    />
  );
}

export interface FilterBarProps {
  readonly filters: NodeFilters;
  readonly clusters: readonly ClusterCensus[];
  readonly set: (changes: Partial<NodeFilters>) => void;
}

export function FilterBar({ filters, clusters, set }: FilterBarProps): ReactElement {
  const kernels = new Map(
    clusters
      .filter(({ cluster }) => filters.cluster === '' || filters.cluster === cluster)
      .flatMap(({ orders }) =>
        orders.map(({ kernelBuildId, kernelRelease }) => [kernelBuildId, kernelRelease] as const),
      ),
  );
  const select = (key: keyof NodeFilters, label: string, options: readonly { value: string; label: string }[]) => (
    <NativeSelect
      label={label}
      data={[{ value: '', label: 'all' }, ...options]}
      value={filters[key]}
      onChange={({ currentTarget }) => {
        set({ [key]: currentTarget.value });
      }}
    />
  );
  const isFiltered = filterKeys.some((key) => filters[key] !== '');
  return (
    <div className="filters" role="search" aria-label="Filter the nodes">
      {select(
        'cluster',
        'Cluster',
        clusters.map(({ cluster }) => ({ value: cluster, label: cluster })),
      )}
      {select(
        'status',
        'State',
        nodeStatuses
          .filter((status) => status !== 'NODE_STATUS_UNSPECIFIED')
          .map((status) => ({ value: status, label: nodeWords[status].word })),
      )}
      {select('connected', 'Connection', [
        { value: 'yes', label: 'connected' },
        { value: 'no', label: 'away' },
      ])}
      {select(
        'kernel',
        'Kernel',
        [...kernels].map(([value, release]) => ({ value, label: release === '' ? value.slice(0, 12) : release })),
      )}
      <TypedFilter
        label="Labels"
        placeholder="rack=a1,tier!=db"
        value={filters.selector}
        onChange={(selector) => {
          set({ selector });
        }}
      />
      <TypedFilter
        label="Without the fix of"
        placeholder="CVE-2024-1086"
        value={filters.cve}
        onChange={(cve) => {
          set({ cve });
        }}
      />
      {isFiltered && (
        <Button
          variant="subtle"
          onClick={() => {
            set(Object.fromEntries(filterKeys.map((key) => [key, ''])));
          }}
        >
          Show all
        </Button>
      )}
    </div>
  );
}
