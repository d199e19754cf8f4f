// SPDX-License-Identifier: GPL-2.0-only
import type { Client } from 'pg';

/** Rows of a table that is worth an index. */
const largeTableRows = 1_000;

export interface HotQuery {
  readonly query: string;
  readonly calls: number;
  readonly meanMs: number;
  /** As EXPLAIN tells it, without values. */
  readonly plan: readonly string[];
  /** Large tables that it reads from end to end. */
  readonly scans: readonly string[];
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Index Cond'?: string;
  readonly Filter?: string;
  readonly Plans?: readonly PlanNode[];
}

function* nodesOf(node: PlanNode, depth = 0): Generator<readonly [PlanNode, number]> {
  yield [node, depth];
  for (const below of node.Plans ?? []) yield* nodesOf(below, depth + 1);
}

function describe([node, depth]: readonly [PlanNode, number]): string {
  const on = node['Relation Name'] === undefined ? '' : ` on ${node['Relation Name']}`;
  const by = node['Index Name'] === undefined ? '' : ` by ${node['Index Name']}`;
  const condition = node['Index Cond'] ?? node.Filter;
  return `${'  '.repeat(depth)}${node['Node Type']}${on}${by}${condition === undefined ? '' : ` (${condition})`}`;
}

async function explain(pg: Client, query: string): Promise<PlanNode | undefined> {
  try {
    // One statement without parameters: of a text with several, or with utility words, there is no plan.
    const { rows } = await pg.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>({
      text: `EXPLAIN (GENERIC_PLAN, FORMAT JSON) ${query}`,
      queryMode: 'simple',
    } as never);
    return rows[0]?.['QUERY PLAN'][0].Plan;
  } catch {
    return undefined;
  }
}

/** The statements that cost the server most, each with its plan. */
export async function hotQueries(pg: Client, limit: number): Promise<HotQuery[]> {
  const { rows: tables } = await pg.query<{ relname: string }>(
    'SELECT relname FROM pg_class WHERE relkind = $1 AND reltuples >= $2',
    ['r', largeTableRows],
  );
  const large = new Set(tables.map(({ relname }) => relname));
  const { rows } = await pg.query<{ query: string; calls: string; mean: number }>(
    `SELECT query, calls, mean_exec_time AS mean FROM pg_stat_statements
     WHERE query ~* '^\\s*(SELECT|UPDATE|INSERT|DELETE|WITH)' AND query NOT LIKE '%pg_stat_statements%'
     ORDER BY total_exec_time DESC LIMIT $1`,
    [limit],
  );
  const found: HotQuery[] = [];
  for (const { query, calls, mean } of rows) {
    const root = await explain(pg, query);
    const nodes = root === undefined ? [] : [...nodesOf(root)];
    const scans = nodes.flatMap(([node]) => {
      const table = node['Relation Name'];
      return node['Node Type'] === 'Seq Scan' && table !== undefined && large.has(table) ? [table] : [];
    });
    found.push({
      query: query.replaceAll(/\s+/g, ' '),
      calls: Number(calls),
      meanMs: mean,
      plan: nodes.map(describe),
      scans,
    });
  }
  return found;
}
