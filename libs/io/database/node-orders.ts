// SPDX-License-Identifier: GPL-2.0-only
import type { ModuleName, NodeName } from '@lockstep/domain/livepatch-model';
import type { Client } from './client';
import type { NodeOrder as Row } from './generated/client';

/** What an operator wants of one node, until its reports show that it was done. */
export type NodeOrder =
  /** What crashed in this boot may be loaded again. */
  | { readonly kind: 'release'; readonly node: NodeName; readonly crashedBootId: string }
  /** These, which no entry explains, are to be unloaded. */
  | { readonly kind: 'repair'; readonly node: NodeName; readonly modules: readonly ModuleName[] };

const subjectsOf = (order: NodeOrder): string[] =>
  order.kind === 'release' ? [order.crashedBootId] : [...order.modules];

/** None of a kind that a newer version wrote. */
function fromRow({ nodeName, kind, subjects }: Row): NodeOrder[] {
  const node = nodeName as NodeName;
  if (kind === 'repair') return [{ kind, node, modules: subjects as ModuleName[] }];
  return kind === 'release' ? [{ kind, node, crashedBootId: subjects[0] ?? '' }] : [];
}

export interface NodeOrderStore {
  list(): Promise<NodeOrder[]>;
  /** In the place of an earlier one of its kind. Nothing of a node that is not there any more. */
  give(order: NodeOrder): Promise<void>;
  /** It was done; a later one stays. */
  end(order: NodeOrder): Promise<void>;
}

export const nodeOrderStore = (client: Client): NodeOrderStore => ({
  list: async () => (await client.nodeOrder.findMany()).flatMap(fromRow),
  async give(order) {
    const { node, kind } = order;
    const subjects = subjectsOf(order);
    await client.$executeRaw`
      INSERT INTO node_orders (node_name, kind, subjects)
      SELECT name, ${kind}, ${subjects} FROM nodes WHERE name = ${node}
      ON CONFLICT (node_name, kind) DO UPDATE SET subjects = EXCLUDED.subjects, given_at = now()`;
  },
  async end(order) {
    const { node: nodeName, kind } = order;
    await client.nodeOrder.deleteMany({ where: { nodeName, kind, subjects: { equals: subjectsOf(order) } } });
  },
});
