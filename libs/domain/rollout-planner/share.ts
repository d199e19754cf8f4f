// SPDX-License-Identifier: GPL-2.0-only

/** So many nodes, or so many of a hundred: whole numbers. */
export type Share = { readonly nodes: number } | { readonly percent: number };

/** Nodes of a wave, or at once: percents round down, and are at least one node. */
export const sizeOf = (share: Share, of: number): number =>
  'nodes' in share ? share.nodes : Math.max(1, Math.floor((share.percent * of) / 100));

/** Nodes that may fail: percents round down, to none at all for few nodes. */
export const allowedOf = (share: Share, of: number): number =>
  'nodes' in share ? share.nodes : Math.floor((share.percent * of) / 100);

/** Strictly more than allowed; in whole numbers, so that 10 % of 50 is 5 and no fraction beside it. */
export const exceeds = (count: number, share: Share, of: number): boolean =>
  'nodes' in share ? count > share.nodes : count * 100 > share.percent * of;

export const explainShare = (share: Share): string => ('nodes' in share ? String(share.nodes) : `${share.percent} %`);
