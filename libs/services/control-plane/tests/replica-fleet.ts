// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from '@jest/globals';
import { switchingToWire } from '@lockstep/contracts/wire';
import { connectSql, startPostgres, type SqlClient } from '@lockstep/testing/local-postgres';
import { startRedis, temporaryFolder } from '@lockstep/testing/local-servers';
import type { TestAgent } from './test-agent';
import { eventually, TestPlane } from './test-plane';

const cluster = 'shared';
const nodeCount = 6;

export interface ReplicaFleetOptions {
  readonly planes: number;
  readonly queue: 'postgres' | 'redis';
}

/** Several control planes, each a process, on one PostgreSQL; and nodes that go from one to the other. */
export class ReplicaFleet {
  readonly cluster = cluster;
  readonly nodeCount = nodeCount;
  planes: readonly TestPlane[] = [];
  readonly agents: TestAgent[] = [];
  readonly failures: unknown[] = [];
  private roaming = true;

  private constructor(
    readonly pg: SqlClient,
    private readonly stopServers: () => Promise<void>,
  ) {}

  static async start({ planes, queue }: ReplicaFleetOptions): Promise<ReplicaFleet> {
    const folder = await temporaryFolder('replicas');
    const postgres = await startPostgres(folder.path);
    const redis = queue === 'redis' ? await startRedis(path.join(folder.path, 'redis')) : undefined;
    const fleet = new ReplicaFleet(await connectSql(postgres.url), async () => {
      await redis?.stop();
      await postgres.stop();
      await folder.remove();
    });
    const env = {
      ...(redis && { LOCKSTEP_REDIS_URL: redis.url }),
      ...{ LOCKSTEP_DATABASE_URL: postgres.url, LOCKSTEP_REPLICAS: 'several', LOCKSTEP_SHARE_KERNELS: 'off' },
      LOCKSTEP_KEYS_DIR: path.join(folder.path, 'keys'),
      LOCKSTEP_ARTIFACT_DIR: path.join(folder.path, 'artifacts'),
    };
    // The first one makes the keys.
    const first = await TestPlane.startProcess(env);
    const others = Array.from({ length: planes - 1 }, () => TestPlane.startProcess(env));
    fleet.planes = [first, ...(await Promise.all(others))];
    await fleet.populate(first);
    return fleet;
  }

  async stop(): Promise<void> {
    this.roaming = false;
    for (const plane of this.planes) plane.thaw();
    for (const plane of this.planes) await plane.stop();
    await this.pg.end();
    await this.stopServers();
  }

  private async populate(first: TestPlane): Promise<void> {
    await first.work(first.honestWorker);
    await first.addKernel();
    for (const index of [0, 1]) await first.build(`fix-${index}`, `fn_${index}`);
    await first.operator.fleet.createCluster({ ...switchingToWire({}), name: cluster });
    for (let index = 0; index < nodeCount; index += 1) {
      const { certificate, key } = await this.planes[index % this.planes.length]!.credentials(cluster, `n${index}`);
      const agent = first.agent(certificate, key);
      this.agents.push(agent);
      this.roam(agent, certificate, key, index).catch((error: unknown) => this.failures.push(error));
    }
  }

  /** Like a real agent with several addresses: with whom it cannot speak it does not stay. */
  private async roam(agent: TestAgent, certificate: string, key: string, first: number): Promise<void> {
    const clients = this.planes.map((plane) => plane.agentClient(certificate, key));
    for (let turn = first; this.roaming; turn += 1) {
      agent.client = clients[turn % clients.length]!;
      const isThere = await agent.client.ready(2_000).then(
        () => true,
        () => false,
      );
      if (isThere) await agent.connect().ended;
      await sleep(300);
    }
  }

  get two(): readonly [TestPlane, TestPlane] {
    return [this.planes[0]!, this.planes[1]!];
  }

  async connectedBy(plane: TestPlane): Promise<number> {
    const { nodes } = await plane.operator.fleet.listNodes({ cluster, selector: '' });
    return nodes.filter(({ connected }) => connected).length;
  }

  startRollout(plane: TestPlane) {
    const some = { kernelBuildId: '', toSeq: 0, canaries: 1, waveSize: 2, rules: undefined, planHash: '' };
    return plane.operator.fleet.startRollout({ cluster, ...some, supersede: true });
  }

  expectAllAt(seq: number): void {
    expect(this.agents.map(({ position }) => position)).toEqual(this.agents.map(() => seq));
  }

  /** One that hung has to find out; then everybody is where the log ends. */
  async expectAllThere(by: TestPlane): Promise<void> {
    await this.startRollout(by);
    const { rows } = await this.pg.query<{ count: string }>('SELECT count(*) FROM log_entries');
    await eventually(() => {
      this.expectAllAt(Number(rows[0]?.count));
    }, 90_000);
    await eventually(() => this.expectOneHistory());
  }

  /** The entries are one chain, every agent has it whole and once, and no plan of a rollout was decided twice. */
  private async expectOneHistory(): Promise<void> {
    const { rows: entries } = await this.pg.query<{ seq: number; hash: string; previous_hash: string }>(
      'SELECT seq, hash, previous_hash FROM log_entries ORDER BY seq',
    );
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, index) => index + 1));
    for (const [index, { previous_hash: previous }] of entries.entries()) {
      if (index > 0) expect(previous).toBe(entries[index - 1]!.hash);
    }
    for (const agent of this.agents) {
      expect(agent.seqs).toEqual(entries.map(({ seq }) => seq));
      expect([agent.headHash, agent.rejection]).toEqual([entries.at(-1)?.hash, undefined]);
    }
    const { rows: torn } = await this.pg.query(
      `SELECT rollout_id FROM rollout_plans GROUP BY rollout_id
       HAVING count(*) <> max(generation) OR bool_or((plan->>'parent')::int IS DISTINCT FROM nullif(generation - 1, 0))`,
    );
    expect(torn).toEqual([]);
    await this.expectOneAudit();
    const { rows: told } = await this.pg.query(
      `SELECT type, message FROM events WHERE type IN ('node.lost', 'rollout.halted')`,
    );
    expect(told).toEqual([]);
  }

  /** Every record has its place, and what was signed is what is there. */
  private async expectOneAudit(): Promise<void> {
    const { rows } = await this.pg.query<{ seq: number; hash: string; previous_hash: string; signed: string | null }>(
      `SELECT seq, audit_events.hash, previous_hash, audit_checkpoints.hash AS signed
       FROM audit_events LEFT JOIN audit_checkpoints USING (seq) WHERE seq IS NOT NULL ORDER BY seq`,
    );
    for (const [index, { seq, hash, previous_hash: previous, signed }] of rows.entries()) {
      expect([seq, signed ?? hash]).toEqual([index + 1, hash]);
      if (index > 0) expect(previous).toBe(rows[index - 1]!.hash);
    }
  }

  async lease(): Promise<{ readonly holder: string; readonly isValid: boolean }> {
    const { rows } = await this.pg.query<{ holder: string; isValid: boolean }>(
      `SELECT holder, expires_at > now() AS "isValid" FROM leases`,
    );
    return rows[0]!;
  }

  async leaderAndOther(): Promise<readonly [TestPlane, TestPlane]> {
    const { holder } = await this.lease();
    const leads = (plane: TestPlane) =>
      plane.processLog().some((line) => line.includes('leads') && line.includes(holder));
    const leader = this.planes.find(leads)!;
    return [leader, this.planes.find((plane) => plane !== leader)!];
  }

  /** Ms until another one leads. */
  async takenOver(from: string): Promise<number> {
    const startedAt = performance.now();
    await eventually(async () => {
      const { holder, isValid } = await this.lease();
      expect([holder === from, isValid]).toEqual([false, true]);
    }, 30_000);
    return performance.now() - startedAt;
  }
}

/** Its lease runs out, and another one takes it. */
export const takenOverWithinMs = 10_000;
