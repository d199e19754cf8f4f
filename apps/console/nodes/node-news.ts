// SPDX-License-Identifier: GPL-2.0-only
import type { NodeMessage, Schemas } from '../api/schemas';

export type NodesPage = Schemas['ListNodesResponse'];
export type NodesNews = Schemas['WatchNodesResponse'];

export interface PagesWithNews {
  readonly pages: NodesPage[];
  /** Others are among the first ones than are known here: they are to be asked for. */
  readonly isIncomplete: boolean;
}

/**
 * Pages as they are after what a stream has told. All rows are in the first; where the last one ends stays known.
 * @param limit of how many rows the stream tells: those behind them stay as they are
 */
export function withNews(pages: readonly NodesPage[], told: NodesNews, limit: number): PagesWithNews {
  const { nodes: news = [], listed, revision } = told;
  const known = pages.flatMap(({ nodes }) => nodes ?? []);
  const rows = new Map(known.map((node) => [node.name ?? '', node]));
  const fresh = new Map(news.map((node) => [node.name ?? '', node]));
  const first = new Set(listed === undefined ? rows.keys() : listed.names);
  const isFull = listed !== undefined && first.size >= limit;
  const behind = isFull ? [...rows.keys()].slice(limit).filter((name) => !first.has(name)) : [];
  const names = [...first, ...behind];
  const nodes = names.flatMap((name): NodeMessage[] => {
    const row = fresh.get(name) ?? rows.get(name);
    return row === undefined ? [] : [row];
  });
  const isIncomplete =
    nodes.length < names.length || nodes.length !== rows.size || nodes.some(({ name }) => !rows.has(name ?? ''));
  // What a page that has just been loaded does not know yet is still to be told.
  const isTold = known.length <= limit && revision !== undefined;
  const after = pages.map((page, index) => ({
    ...page,
    ...(isTold ? { revision } : {}),
    nodes: index === 0 ? nodes : [],
  }));
  return { pages: after, isIncomplete };
}

/** After what a stream is to go on, so that nothing between the pages is missed. */
export const revisionOf = (pages: readonly NodesPage[]): number =>
  pages.reduce((least, { revision = 0 }) => Math.min(least, revision), Infinity);
