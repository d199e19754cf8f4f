// SPDX-License-Identifier: GPL-2.0-only
import type { Schemas } from '../api/schemas';

type NodeSteps = Schemas['NodeSteps'];

/** What several nodes would do alike. */
export interface SameSteps {
  readonly nodes: readonly string[];
  /** Modules, in order. */
  readonly unloads: readonly string[];
  readonly loads: readonly string[];
  /** Why they are left out; empty of those that are not. */
  readonly leftOut: string;
}

/** Nodes that would do the same together, most of them first; those that are left out last. */
export function sameSteps(nodes: readonly NodeSteps[]): SameSteps[] {
  const groups = new Map<string, { readonly first: NodeSteps; readonly nodes: string[] }>();
  for (const each of nodes) {
    const { node = '', unloads = [], loads = [], leftOut = '' } = each;
    const key = JSON.stringify([unloads, loads, leftOut]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, { first: each, nodes: [node] });
    else group.nodes.push(node);
  }
  return [...groups.values()]
    .map(({ first: { unloads = [], loads = [], leftOut = '' }, nodes: names }) => ({
      ...{ nodes: names, unloads, loads, leftOut },
    }))
    .sort((a, b) => Number(a.leftOut !== '') - Number(b.leftOut !== '') || b.nodes.length - a.nodes.length);
}
