// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { countWords, numberWords } from '../display/counts';
import { NothingHere } from '../display/nothing-here';
import { PageHead } from '../display/page-head';
import { ProblemNote } from '../display/problem-note';
import { useUrlState } from '../display/url-state';
import { useCensus, type ClusterCensus } from '../clusters/census';
import { FilterBar } from './filter-bar';
import { filterKeys, type NodeFilters } from './node-filters';
import { orderOf } from './node-order';
import { useNodePages } from './node-pages';
import { NodeTable } from './node-table';
import { SavedFilters } from './saved-filters';
import { shownNodes } from './shown-nodes';
import './nodes.css';

/** How many nodes these filters leave, where counting tells without asking for each. */
function totalOf(filters: NodeFilters, clusters: readonly ClusterCensus[] | undefined): number | undefined {
  if (
    clusters === undefined ||
    [filters.connected, filters.kernel, filters.selector, filters.cve].some((each) => each !== '')
  ) {
    return undefined;
  }
  const counted = clusters.filter(({ cluster }) => filters.cluster === '' || cluster === filters.cluster);
  return filters.status === ''
    ? counted.reduce((sum, { nodes }) => sum + nodes, 0)
    : counted
        .flatMap(({ statuses }) => statuses)
        .reduce((sum, { status, nodes }) => (status === filters.status ? sum + nodes : sum), 0);
}

export function NodesPage(): ReactElement {
  const { values: filters, set } = useUrlState(filterKeys);
  const census = useCensus();
  const { values: sorting, set: sort } = useUrlState(['order']);
  const order = orderOf(sorting.order);
  const pages = useNodePages(shownNodes(filters, order));
  const total = totalOf(filters, census.data);
  const loaded = pages.nodes.length;
  const summary =
    total === undefined
      ? `${countWords(loaded, 'node')}${pages.hasMore ? ' and more' : ''}`
      : `${countWords(total, 'node')}${loaded < total ? `, ${numberWords(loaded)} of them loaded` : ''}`;
  return (
    <div className="nodes-page">
      <PageHead
        title="Nodes"
        summary={pages.isKnown && <span aria-live="polite">{summary}</span>}
        actions={<SavedFilters filters={filters} set={set} />}
      />
      <FilterBar filters={filters} clusters={census.data ?? []} set={set} />
      <ProblemNote error={pages.error} what="The nodes are not shown as they are now" />
      {pages.isKnown && loaded === 0 ? (
        <NothingHere title="No node is like that.">
          Choose fewer filters; <code>lockstep node token</code> lets a machine join.
        </NothingHere>
      ) : (
        <NodeTable
          pages={pages}
          total={total}
          order={order}
          onOrder={(chosen) => {
            sort({ order: chosen });
          }}
        />
      )}
    </div>
  );
}
