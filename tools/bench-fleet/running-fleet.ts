// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync } from 'node:fs';
import { switchingToWire } from '@lockstep/contracts/wire';
import { openArtifactStore } from '@lockstep/io/artifact-store';
import { BenchControlPlane } from './bench-control-plane';
import { BenchDatabase } from './bench-database';
import { PhaseMeter } from './fleet-phase';
import { cluster, MeasuredFleet } from './measured-fleet';
import { PageWatch } from './page-watch';
import { Swarm } from './swarm';

export interface FleetOptions {
  readonly agents: number;
  /** The programs of the build under test, and of this one. */
  readonly bundles: string;
  readonly ownBundles: string;
  readonly dir: string;
  readonly heartbeatMs: number;
  /** Gets a CPU profile of each phase. */
  readonly profileDir?: string;
  /** Pages of lists are asked for in each phase. */
  readonly asksPages?: boolean;
  readonly say: (line: string) => void;
}

const connectPerSecond = 100;
const switchMs = 100;

async function addPatches(plane: BenchControlPlane, database: BenchDatabase, names: readonly string[]): Promise<void> {
  const store = await openArtifactStore(plane.artifactDir);
  for (const name of names) await database.addPatch(name, await store.put(Buffer.from(`module of ${name}`)));
}

/** A control plane on a database of its own, and agents that have still to enrol; with patches bench-1 and bench-2. */
export async function withFleet<T>(options: FleetOptions, work: (fleet: MeasuredFleet) => Promise<T>): Promise<T> {
  const { agents, bundles, ownBundles, dir, heartbeatMs, profileDir, asksPages = false, say } = options;
  mkdirSync(dir, { recursive: true });
  await using database = await BenchDatabase.start(dir);
  await using plane = await BenchControlPlane.start({ dir, bundles, ownBundles, databaseUrl: database.url });
  await using swarm = new Swarm(ownBundles, {
    ...{ heartbeatMs, switchMs, connectPerSecond, ca: plane.ca },
    operatorAddress: `127.0.0.1:${plane.operatorPort}`,
    ...{ agentHost: '127.0.0.1', agentPort: plane.agentPort },
  });
  const operator = plane.operator();
  try {
    await operator.fleet.createCluster({ ...switchingToWire({}), name: cluster });
    await addPatches(plane, database, ['bench-1', 'bench-2']);
    const pageWatch = asksPages ? new PageWatch(operator, cluster) : undefined;
    const meter = new PhaseMeter({ plane, database }, say, profileDir, pageWatch);
    return await work(new MeasuredFleet({ agents, database, plane, swarm, operator, meter }));
  } finally {
    operator.close();
  }
}
