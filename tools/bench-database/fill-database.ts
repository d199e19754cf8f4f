// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { NodeReport, NodeStatus } from '@lockstep/contracts/generated';
import { encodeEntry, proposeEntry, type EntryBody, type LogEntry, type LogName } from '@lockstep/domain/load-order';
import {
  parseClusterName,
  parseKernelBuildId,
  parseModuleName,
  parsePatchName,
  parseSeq,
  type ArtifactManifest,
  type PatchId,
  type Sha256,
} from '@lockstep/domain/livepatch-model';
import { defaultRules } from '@lockstep/domain/rollout-planner';
import type { LogSigner } from '@lockstep/io/certificates';
import type { Client } from 'pg';

/** How much history there is. */
export interface HistorySize {
  readonly nodes: number;
  readonly entries: number;
  readonly rollouts: number;
}

export const benchLog: LogName = {
  cluster: parseClusterName('bench'),
  kernelBuild: parseKernelBuildId('ab'.repeat(20)),
};
const functionsEach = 20;
/** Rows in one statement. */
const atOnce = 500;

const sha256 = (text: string | Uint8Array): Sha256 => createHash('sha256').update(text).digest('hex') as Sha256;
export const patchNameOf = (index: number): string => `fix-${index}`;

function artifactOf(index: number): ArtifactManifest {
  const name = patchNameOf(index);
  const functions = Array.from({ length: functionsEach }, (_, at) => ({
    object: 'vmlinux' as const,
    name: `function_${index}_${at}`,
    sympos: 0,
  }));
  return {
    ...{
      sha256: sha256(`module ${name}`),
      sizeBytes: 50_000,
      kernelBuild: benchLog.kernelBuild,
      replace: false,
      functions,
    },
    ...{ moduleName: parseModuleName(`lockstep_fix_${index}`), patch: sha256(name) as unknown as PatchId },
    patchName: parsePatchName(name),
  };
}

/** A patch and a build of it for each, the odd ones failed. */
export async function addPatches(pg: Client, count: number): Promise<void> {
  await pg.query(
    `INSERT INTO kernel_builds (id, release, compiler, config_sha256) VALUES ($1, '6.1.0-bench', 'gcc', '') ON CONFLICT DO NOTHING`,
    [benchLog.kernelBuild],
  );
  for (let from = 0; from < count; from += atOnce) {
    const rows = Array.from({ length: Math.min(atOnce, count - from) }, (_, at) => artifactOf(from + at));
    await pg.query(
      `INSERT INTO patches (id, name, diff, description, author, cves, submitted_at)
       SELECT x->>'patch', x->>'patchName', convert_to(repeat('+a line of a diff' || chr(10), 200), 'UTF8'), '', 'bench', '{}',
         now() - interval '1 year' + (right(x->>'moduleName', -13)::int) * interval '1 minute'
       FROM jsonb_array_elements($1::jsonb) x`,
      [JSON.stringify(rows)],
    );
    await pg.query(
      `INSERT INTO artifacts (sha256, size_bytes, kernel_build_id, module_name, patch_id, replace, functions)
       SELECT x->>'sha256', 50000, x->>'kernelBuild', x->>'moduleName', x->>'patch', false, x->'functions'
       FROM jsonb_array_elements($1::jsonb) x`,
      [JSON.stringify(rows)],
    );
    await pg.query(
      `INSERT INTO builds (id, patch_id, kernel_build_id, status, artifact_sha256, queued_at, ended_at)
       SELECT gen_random_uuid(), x->>'patch', x->>'kernelBuild', 'succeeded', x->>'sha256',
         now() - interval '1 year' + (right(x->>'moduleName', -13)::int) * interval '1 minute', now()
       FROM jsonb_array_elements($1::jsonb) x`,
      [JSON.stringify(rows)],
    );
  }
}

/** Load, retire, load, …, with two patches left in the stack: signed and chained as the control plane does it. */
function historyOf(count: number, signer: LogSigner): LogEntry[] {
  const entries: LogEntry[] = [];
  const load = (index: number): EntryBody => ({
    kind: 'load',
    artifact: artifactOf(index),
    overrides: [],
    builtOnto: [],
  });
  for (let seq = 1; seq <= count; seq += 1) {
    const isLoad = seq % 2 === 1 || seq === count;
    const body: EntryBody = isLoad ? load(seq >> 1) : { kind: 'retire', retires: parseSeq(seq - 1) };
    const unsigned = proposeEntry(benchLog, entries, body);
    const hash = sha256(encodeEntry(unsigned));
    const entry = { ...unsigned, hash, signature: signer.sign(hash) };
    entries.push(entry);
  }
  return entries;
}

export async function addEntries(pg: Client, count: number, signer: LogSigner): Promise<void> {
  const entries = historyOf(count, signer);
  for (let from = 0; from < count; from += atOnce) {
    await pg.query(
      `INSERT INTO log_entries (cluster_name, kernel_build_id, seq, previous_hash, body, hash, signature)
       SELECT x->>'cluster', x->>'kernelBuild', (x->>'seq')::int, x->>'previousHash', x->'body', x->>'hash', x->>'signature'
       FROM jsonb_array_elements($1::jsonb) x`,
      [JSON.stringify(entries.slice(from, from + atOnce))],
    );
  }
}

export async function addNodes(pg: Client, count: number, position: number): Promise<void> {
  const stack = [1, 2].map((index) => {
    const { moduleName, functions, sha256: artifactSha256 } = artifactOf(index);
    return { moduleName, enabled: true, functions: [...functions], artifactSha256 };
  });
  const report = NodeReport.fromPartial({
    ...{
      status: NodeStatus.NODE_STATUS_IN_STEP,
      position,
      target: position,
      headSeq: position,
      bootId: 'bench',
      stack,
    },
  });
  await pg.query(
    `INSERT INTO nodes (name, cluster_name, certificate_fingerprint, kernel_build_id, kernel_release, boot_id, agent_version,
       session_epoch, last_seen_at, report)
     SELECT 'node-' || lpad(n::text, 5, '0'), $1, md5(n::text), $2, '6.1.0-bench', 'bench', 'bench', 1, now(), $3::jsonb
     FROM generate_series(1, $4::int) n`,
    [benchLog.cluster, benchLog.kernelBuild, JSON.stringify(NodeReport.toJSON(report)), count],
  );
}

/** Each with ten plans, of which the last tells a hundred nodes; the newest one is for all. */
export async function addRollouts(pg: Client, { rollouts: count, nodes, entries }: HistorySize): Promise<void> {
  await pg.query(
    `INSERT INTO rollouts (id, cluster_name, kernel_build_id, to_seq, rules, status, started_at, ended_at, node_count, nodes_there)
     SELECT gen_random_uuid(), $1, $2, LEAST(n / 2 + 1, $5::int), $4::jsonb, (CASE n % 10 WHEN 0 THEN 'halted' ELSE 'succeeded' END)::rollout_status,
       now() - interval '1 year' + n * interval '10 minutes', now(), 100, 100
     FROM generate_series(1, $3::int) n`,
    [benchLog.cluster, benchLog.kernelBuild, count, JSON.stringify(defaultRules), entries],
  );
  const plan = (
    size: string,
  ) => `jsonb_build_object('generation', g, 'parent', nullif(g - 1, 0), 'toSeq', r.to_seq, 'status', r.status,
    'openWave', NULL, 'haltedBy', '[]'::jsonb, 'moves', '[]'::jsonb, 'caveats', '[]'::jsonb, 'nodes',
    (SELECT coalesce(jsonb_agg(jsonb_build_object('node', 'node-' || lpad(n::text, 5, '0'), 'wave', 1, 'position', r.to_seq,
      'released', true, 'failedBefore', false, 'notYet', NULL, 'sinceMs', 0)), '[]'::jsonb) FROM generate_series(1, ${size}) n))`;
  await pg.query(
    `INSERT INTO rollout_plans (rollout_id, generation, plan)
     SELECT r.id, g, ${plan('(CASE WHEN g = 10 THEN 100 ELSE 0 END)')} FROM rollouts r, generate_series(1, 10) g`,
  );
  await pg.query(
    `INSERT INTO rollout_plans (rollout_id, generation, plan)
     SELECT r.id, g, ${plan('$1::int')} FROM (SELECT * FROM rollouts ORDER BY number DESC LIMIT 1) r, generate_series(11, 11) g`,
    [nodes],
  );
}
