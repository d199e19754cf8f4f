// SPDX-License-Identifier: GPL-2.0-only
import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Client } from 'pg';
import type { StoredArtifact } from '@lockstep/io/artifact-store';
import type { EmbeddedPostgres } from '@lockstep/io/database';
import { startPostgres } from '@lockstep/testing/local-postgres';
import { freePort } from '@lockstep/testing/local-servers';
import { kernelBuild } from './bench-agent';
import type { GivenIdentity } from './given-identities';
import { familyCpuSeconds, familyOwnBytes } from './process-usage';

const functionsEach = 20;

/** A server of the benchmark's own, so that every build meets the same one, and its statements can be counted. */
export class BenchDatabase implements AsyncDisposable {
  private constructor(
    private readonly server: EmbeddedPostgres,
    private readonly client: Client,
    private readonly pid: number,
  ) {}

  static async start(dir: string): Promise<BenchDatabase> {
    const port = await freePort();
    const first = await startPostgres(dir, port);
    await withClient(first.url, (client) =>
      client.query("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'"),
    );
    await first.stop();
    const server = await startPostgres(dir, port);
    const client = new Client({ connectionString: server.url });
    await client.connect();
    await client.query('CREATE EXTENSION pg_stat_statements');
    const [pid] = (await readFile(path.join(dir, 'postgres/data/postmaster.pid'), 'utf8')).split('\n');
    return new BenchDatabase(server, client, Number(pid));
  }

  get url(): string {
    return this.server.url;
  }

  cpuSeconds(): number {
    return familyCpuSeconds(this.pid);
  }

  /** What its processes have for themselves. */
  ownBytes(): number {
    return familyOwnBytes(this.pid);
  }

  /** As many as were executed until now, but for this client's own. */
  async statements(): Promise<number> {
    const { rows } = await this.client.query<{ calls: string }>(
      "SELECT coalesce(sum(calls), 0) AS calls FROM pg_stat_statements WHERE query NOT LIKE '%pg_stat_statements%'",
    );
    return Number(rows[0]?.calls ?? 0);
  }

  /** The statements that cost the server most, for whoever asks where the time goes. */
  async hottest(
    limit: number,
  ): Promise<readonly { readonly query: string; readonly calls: number; readonly ms: number }[]> {
    const { rows } = await this.client.query<{ query: string; calls: string; ms: number }>(
      'SELECT query, calls, total_exec_time AS ms FROM pg_stat_statements ORDER BY total_exec_time DESC LIMIT $1',
      [limit],
    );
    return rows.map(({ query, calls, ms }) => ({ query: query.slice(0, 200), calls: Number(calls), ms }));
  }

  /** Nodes that have enrolled, with columns that every version has. */
  async addNodes(cluster: string, nodes: readonly GivenIdentity[]): Promise<void> {
    await this.client.query(
      `INSERT INTO nodes (name, cluster_name, certificate_fingerprint)
       SELECT name, $1, fingerprint FROM unnest($2::text[], $3::text[]) AS node (name, fingerprint)`,
      [cluster, nodes.map(({ node }) => node), nodes.map(({ fingerprint }) => fingerprint)],
    );
  }

  /** A patch as if it had been built: its rows, for a module that is in the store. Columns that every version has. */
  async addPatch(name: string, module: StoredArtifact): Promise<void> {
    const patchId = createHash('sha256').update(name).digest('hex');
    const functions = Array.from({ length: functionsEach }, (_, index) => ({
      object: 'vmlinux',
      name: `${name.replaceAll('-', '_')}_${index}`,
      sympos: 0,
    }));
    await this.client.query(
      `INSERT INTO kernel_builds (id, release, compiler, config_sha256) VALUES ($1, '6.1.0-bench', 'gcc', $2)
       ON CONFLICT DO NOTHING`,
      [kernelBuild, '0'.repeat(64)],
    );
    await this.client.query(
      "INSERT INTO patches (id, name, diff, description, author, cves) VALUES ($1, $2, $3, '', '', '{}')",
      [patchId, name, Buffer.from(name)],
    );
    await this.client.query(
      `INSERT INTO artifacts (sha256, size_bytes, kernel_build_id, module_name, patch_id, replace, functions)
       VALUES ($1, $2, $3, $4, $5, false, $6)`,
      [
        module.sha256,
        module.sizeBytes,
        kernelBuild,
        `lockstep_${name.replaceAll('-', '_')}`,
        patchId,
        JSON.stringify(functions),
      ],
    );
    await this.client.query(
      `INSERT INTO builds (id, patch_id, kernel_build_id, status, artifact_sha256, ended_at)
       VALUES ($1, $2, $3, 'succeeded', $4, now())`,
      [randomUUID(), patchId, kernelBuild, module.sha256],
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.end();
    await this.server.stop();
  }
}

async function withClient(url: string, work: (client: Client) => Promise<unknown>): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await work(client);
  await client.end();
}
