// SPDX-License-Identifier: GPL-2.0-only
import { useTable } from '@tanstack/react-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useRef, type KeyboardEvent, type ReactElement, type ReactNode } from 'react';
import { Icon } from '../display/icon';
import { chosenOrder, isSorted, type NodeOrder, type SortedColumn } from './node-order';
import { nodeColumns, nodeFeatures } from './node-columns';
import type { NodePages } from './node-pages';

const rowHeightPx = 33;
/** So many rows before the last that is loaded more are asked for. */
const loadAhead = 60;

/** Up and down go from row to row, as in a list. */
function moveFocus(event: KeyboardEvent<HTMLElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  const focused = document.activeElement?.closest('[data-index]');
  if (step === undefined || focused == null) return;
  const next = Number(focused.getAttribute('data-index')) + step;
  event.currentTarget.querySelector<HTMLElement>(`[data-index="${next}"] a`)?.focus();
  event.preventDefault();
}

interface SortedHeaderProps extends Pick<NodeTableProps, 'order' | 'onOrder'> {
  readonly column: SortedColumn;
  readonly children: ReactNode;
}

/** Sorts by its column when it is chosen. */
function SortedHeader({ column, order, onOrder, children }: SortedHeaderProps): ReactElement {
  const isChosen = order.column === column;
  return (
    <div
      role="columnheader"
      aria-sort={!isChosen ? 'none' : order.isDescending ? 'descending' : 'ascending'}
      className={isChosen ? 'is-sorted' : ''}
    >
      <button
        type="button"
        className="sort-button"
        onClick={() => {
          onOrder(chosenOrder(column, order));
        }}
      >
        {children}
        <Icon name={isChosen && order.isDescending ? 'down' : 'up'} size={11} />
      </button>
    </div>
  );
}

export interface NodeTableProps {
  readonly order: NodeOrder;
  /** As it stands in the address. */
  readonly onOrder: (order: string) => void;
  readonly pages: NodePages;
  /** How many there are in all, where that is known. */
  readonly total: number | undefined;
}

/** As many rows as there are nodes, of which only those in sight exist. */
export function NodeTable({ pages, total, order, onOrder }: NodeTableProps): ReactElement {
  const { nodes, hasMore, isLoadingMore, loadMore } = pages;
  const scroller = useRef<HTMLDivElement>(null);
  const table = useTable({ features: nodeFeatures, columns: nodeColumns, data: nodes });
  const { rows } = table.getRowModel();
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeightPx,
    overscan: 12,
  });
  const inSight = virtual.getVirtualItems();
  const last = inSight.at(-1)?.index ?? 0;
  // With the header; -1: not known.
  const rowCount = total === undefined && hasMore ? -1 : (total ?? rows.length) + 1;
  useEffect(() => {
    if (hasMore && !isLoadingMore && last > rows.length - loadAhead) loadMore();
  }, [hasMore, isLoadingMore, last, loadMore, rows.length]);
  return (
    <div className="node-table" ref={scroller}>
      <div role="table" aria-label="Nodes" aria-rowcount={rowCount}>
        <div role="rowgroup" className="node-table-head">
          {table.getHeaderGroups().map((group) => (
            <div key={group.id} role="row" aria-rowindex={1} className="node-row">
              {group.headers.map((header) =>
                isSorted(header.id) ? (
                  <SortedHeader key={header.id} column={header.id} order={order} onOrder={onOrder}>
                    <table.FlexRender header={header} />
                  </SortedHeader>
                ) : (
                  <div key={header.id} role="columnheader">
                    <table.FlexRender header={header} />
                  </div>
                ),
              )}
            </div>
          ))}
        </div>
        <div
          role="rowgroup"
          className="node-table-body"
          style={{ height: virtual.getTotalSize() }}
          onKeyDown={moveFocus}
        >
          {inSight.map(({ index, start }) => {
            const row = rows[index];
            return row === undefined ? null : (
              <div
                key={row.original.name}
                role="row"
                aria-rowindex={index + 2}
                data-index={index}
                className="node-row"
                style={{ transform: `translateY(${start}px)` }}
              >
                {row.getAllCells().map((cell) => (
                  <div key={cell.id} role="cell">
                    <table.FlexRender cell={cell} />
                  </div>
                ))}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
