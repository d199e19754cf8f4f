// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RolloutStatus } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { openArtifactStore } from '@lockstep/io/artifact-store';
import type { OperatorClient } from '@lockstep/io/rpc-client';
import { connectSql } from '@lockstep/testing/local-postgres';
import { freePort } from '@lockstep/testing/local-servers';
import { kernelBuild } from '../bench-fleet/bench-agent';
import { BenchControlPlane } from '../bench-fleet/bench-control-plane';
import { BenchDatabase } from '../bench-fleet/bench-database';
import { PhaseMeter } from '../bench-fleet/fleet-phase';
import { cluster, MeasuredFleet } from '../bench-fleet/measured-fleet';
import { Swarm } from '../bench-fleet/swarm';

export interface WatchedFleetOptions {
  /** All that the page lists. */
  readonly nodes: number;
  /** As many of them have an agent that connects, reports and is rolled out to; the others said last what one of these said. */
  readonly agents: number;
  readonly bundles: string;
  readonly dir: string;
  readonly say: (line: string) => void;
}

const silentCluster = 'elsewhere';
const heartbeatMs = 15_000;
const switchMs = 100;
const connectPerSecond = 50;
/** A wave takes a second or two: a hundred of them are watched for minutes. */
const waves = 100;
const patienceMs = 120_000;

/** A control plane with its console, and a fleet that is rolled out to for as long as somebody measures. */
export class WatchedFleet {
  private rolledOutTo = 0;

  private constructor(
    private readonly fleet: MeasuredFleet,
    readonly consoleUrl: string,
    readonly token: string,
  ) {}

  /** Of the control plane and of PostgreSQL. */
  cpuSeconds(): number {
    const { plane, database } = this.fleet.parts;
    return plane.cpuSeconds() + database.cpuSeconds();
  }

  /** Begins the next rollout where none is under way. */
  async keepRolling(): Promise<void> {
    const { operator, agents } = this.fleet.parts;
    const { rollouts } = await operator.fleet.listRollouts({ cluster, status: RolloutStatus.ROLLOUT_STATUS_RUNNING });
    if (rollouts.length > 0) return;
    this.rolledOutTo += 1;
    await this.fleet.append(`bench-${this.rolledOutTo}`, this.rolledOutTo);
    await operator.fleet.startRollout({
      ...{ cluster, kernelBuildId: kernelBuild, toSeq: this.rolledOutTo, canaries: 1 },
      ...{ waveSize: Math.max(1, Math.ceil(agents / waves)), rules: undefined, planHash: '' },
    });
  }

  static async run<T>(options: WatchedFleetOptions, work: (fleet: WatchedFleet) => Promise<T>): Promise<T> {
    const { nodes, agents, bundles, dir, say } = options;
    const httpPort = await freePort();
    await using database = await BenchDatabase.start(dir);
    await using plane = await BenchControlPlane.start({
      ...{ dir, bundles, ownBundles: bundles, databaseUrl: database.url },
      env: { LOCKSTEP_HTTP_PORT: String(httpPort) },
    });
    await using swarm = new Swarm(bundles, {
      ...{ heartbeatMs, switchMs, connectPerSecond, ca: plane.ca },
      operatorAddress: `127.0.0.1:${plane.operatorPort}`,
      ...{ agentHost: '127.0.0.1', agentPort: plane.agentPort },
    });
    const operator = plane.operator();
    try {
      for (const name of [cluster, silentCluster]) await operator.fleet.createCluster({ ...switchingToWire({}), name });
      await addPatches(plane, database);
      const meter = new PhaseMeter({ plane, database }, say);
      const fleet = new MeasuredFleet({ agents, database, plane, swarm, operator, meter });
      await fleet.addEnrolled(0);
      await fleet.connect();
      say(`${agents} agents are connected`);
      await addSilent(database.url, nodes - agents, operator);
      // It learns of nodes that nobody told it of as it starts.
      await fleet.killAndRestart();
      say(`${nodes} nodes are known`);
      const token = readFileSync(path.join(dir, 'state/operator.token'), 'utf8').trim();
      return await work(new WatchedFleet(fleet, `https://localhost:${httpPort}/console/`, token));
    } finally {
      operator.close();
    }
  }
}

/** Enough for one rollout after the other. */
const patches = 20;

async function addPatches(plane: BenchControlPlane, database: BenchDatabase): Promise<void> {
  const store = await openArtifactStore(plane.artifactDir);
  for (let number = 1; number <= patches; number += 1) {
    const name = `bench-${number}`;
    await database.addPatch(name, await store.put(Buffer.from(`module of ${name}`)));
  }
}

/** Nodes like one that has reported, each with labels of its own. */
async function addSilent(databaseUrl: string, count: number, operator: OperatorClient): Promise<void> {
  const deadlineMs = performance.now() + patienceMs;
  const pg = await connectSql(databaseUrl);
  try {
    // What a node reports is written within seconds.
    for (;;) {
      const { rows } = await pg.query('SELECT 1 FROM nodes WHERE report IS NOT NULL LIMIT 1');
      if (rows.length > 0) break;
      if (performance.now() > deadlineMs) throw new Error('No report of an agent was written.');
      await sleep(500);
    }
    await pg.query(
      `INSERT INTO nodes (name, cluster_name, certificate_fingerprint, kernel_build_id, kernel_release, agent_version,
         patched_core, report, assigned_labels, last_seen_at)
       SELECT 'silent-' || lpad(n::text, 6, '0'), $1, md5(n::text), known.kernel_build_id, known.kernel_release,
         known.agent_version, known.patched_core, known.report,
         jsonb_build_object('zone', 'z' || n % 3, 'rack', 'r' || n % 200), now()
       FROM generate_series(1, $2::int) n, (SELECT * FROM nodes WHERE report IS NOT NULL LIMIT 1) known`,
      [silentCluster, count],
    );
  } finally {
    await pg.end();
  }
  await operator.fleet.getCensus({ cluster: silentCluster });
}
