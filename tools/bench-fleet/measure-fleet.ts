// SPDX-License-Identifier: GPL-2.0-only
import { mkdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { RolloutStatus } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { openArtifactStore } from '@lockstep/io/artifact-store';
import { listAll, type OperatorClient } from '@lockstep/io/rpc-client';
import { kernelBuild } from './bench-agent';
import { BenchControlPlane } from './bench-control-plane';
import { BenchDatabase } from './bench-database';
import type { CpuSeconds, FleetFigures, RolloutFigures } from './fleet-figures';
import { Swarm } from './swarm';
import type { SwarmState } from './swarm-messages';

export interface MeasureOptions {
  readonly agents: number;
  /** The programs of the build under test, and of this one. */
  readonly bundles: string;
  readonly ownBundles: string;
  readonly dir: string;
  readonly idleSeconds: number;
  readonly heartbeatMs: number;
  readonly say: (line: string) => void;
}

const cluster = 'bench';
/** Far longer than anything takes that is worth a figure. */
const patienceMs = 600_000;
const connectPerSecond = 50;
const switchMs = 100;
const longDeadline = { deadlineMs: 120_000 };

/** A running fleet and what is asked of it. */
class MeasuredFleet {
  constructor(
    private readonly options: MeasureOptions,
    readonly database: BenchDatabase,
    readonly plane: BenchControlPlane,
    readonly swarm: Swarm,
    private readonly operator: OperatorClient,
  ) {}

  private get agents(): number {
    return this.options.agents;
  }

  cpu(): CpuSeconds {
    return { plane: this.plane.cpuSeconds(), postgres: this.database.cpuSeconds() };
  }

  async during(work: () => Promise<unknown>): Promise<{ readonly seconds: number; readonly cpu: CpuSeconds }> {
    const before = this.cpu();
    const startedAt = performance.now();
    await work();
    const after = this.cpu();
    const cpu = { plane: after.plane - before.plane, postgres: after.postgres - before.postgres };
    return { seconds: (performance.now() - startedAt) / 1000, cpu };
  }

  /** @returns CPU of the control plane for one of them, in ms. */
  async enrol(): Promise<number> {
    const { cpu } = await this.during(async () => {
      const joinTokens: string[] = [];
      for (let index = 0; index < this.agents; index += 1) {
        const asked = { cluster, node: `node-${index}`, ttlSeconds: 0, allow: '', count: 0 };
        joinTokens.push((await this.operator.fleet.createJoinToken(asked, longDeadline)).joinToken);
      }
      this.swarm.tell({ kind: 'enrol', joinTokens });
      await this.all('all enrolled', ({ enrolled }) => enrolled);
    });
    return (cpu.plane * 1000) / this.agents;
  }

  all(what: string, count: (state: SwarmState) => number | undefined): Promise<number> {
    return this.swarm.until(what, (state) => (count(state) ?? 0) >= this.agents, patienceMs);
  }

  /** @returns seconds until all agents have the entry. */
  async append(patch: string, seq: number): Promise<number> {
    const startedAt = performance.now();
    const request = { cluster, patch, kernelBuildId: kernelBuild, overrides: [], expectedSeq: 0, mayInterrupt: false };
    await this.operator.fleet.appendLoad({ ...request, buildId: '', ...switchingToWire({}) }, longDeadline);
    await this.all(`all know #${seq}`, ({ knowing }) => knowing[seq - 1]);
    return (performance.now() - startedAt) / 1000;
  }

  rollOut(seq: number, waveSize: number): Promise<RolloutFigures> {
    return this.during(async () => {
      const asked = {
        cluster,
        kernelBuildId: kernelBuild,
        toSeq: seq,
        canaries: 1,
        waveSize,
        rules: undefined,
        planHash: '',
      };
      await this.operator.fleet.startRollout(asked, longDeadline);
      await this.all(`all at #${seq}`, ({ arrived }) => arrived[seq - 1]);
      await this.rolloutEnded();
    });
  }

  async listNodes(): Promise<{ readonly ms: number; readonly connected: number }> {
    const startedAt = performance.now();
    const asked = { cluster, selector: '' };
    const nodes = await listAll(this.operator.fleet.listNodes, asked, (answer) => answer.nodes, longDeadline);
    return { ms: performance.now() - startedAt, connected: nodes.filter(({ connected }) => connected).length };
  }

  private async rolloutEnded(): Promise<void> {
    for (;;) {
      const { rollouts } = await this.operator.fleet.listRollouts({ cluster }, longDeadline);
      if (rollouts[0]?.status === RolloutStatus.ROLLOUT_STATUS_SUCCEEDED) return;
      if (rollouts[0]?.status === RolloutStatus.ROLLOUT_STATUS_HALTED) throw new Error('The rollout halted.');
      await sleep(500);
    }
  }

  async idle(): Promise<{ readonly cpu: CpuSeconds; readonly statementsPerSecond: number }> {
    const { idleSeconds } = this.options;
    const before = await this.database.statements();
    const { cpu, seconds } = await this.during(() => sleep(idleSeconds * 1000));
    const statements = (await this.database.statements()) - before;
    const perMinute = (value: number): number => (value * 60) / seconds;
    return {
      cpu: { plane: perMinute(cpu.plane), postgres: perMinute(cpu.postgres) },
      statementsPerSecond: statements / seconds,
    };
  }

  /** @returns what it took until the control plane counts all as connected again. */
  killAndRestart(): Promise<RolloutFigures> {
    return this.during(async () => {
      await this.plane.kill();
      await this.swarm.until('all noticed', ({ connected }) => connected === 0, patienceMs);
      await this.plane.launch();
      await this.all('all back', ({ connected }) => connected);
      while ((await this.listNodes()).connected < this.agents) await sleep(1000);
    });
  }
}

async function addPatches(plane: BenchControlPlane, database: BenchDatabase, names: readonly string[]): Promise<void> {
  const store = await openArtifactStore(plane.artifactDir);
  for (const name of names) await database.addPatch(name, await store.put(Buffer.from(`module of ${name}`)));
}

async function takeFigures(fleet: MeasuredFleet, { agents, say }: MeasureOptions): Promise<FleetFigures> {
  const { plane, swarm } = fleet;
  const enrolmentCpuMs = await fleet.enrol();
  say(`enrolled, ${enrolmentCpuMs.toFixed(1)} ms of CPU each`);
  swarm.tell({ kind: 'connect' });
  const connectSeconds = await fleet.all('all connected', ({ connected }) => connected);
  await sleep(5_000);
  const idleRssBytes = plane.residentBytes();
  say(`connected in ${connectSeconds.toFixed(1)} s`);
  const pushSeconds = await fleet.append('bench-1', 1);
  const rolloutAtOnce = await fleet.rollOut(1, 0);
  say(`pushed in ${pushSeconds.toFixed(1)} s, rolled out at once in ${rolloutAtOnce.seconds.toFixed(1)} s`);
  await fleet.append('bench-2', 2);
  const rolloutInWaves = await fleet.rollOut(2, Math.ceil(agents / 10));
  say(`rolled out in waves in ${rolloutInWaves.seconds.toFixed(1)} s`);
  const { ms: listNodesMs } = await fleet.listNodes();
  const idle = await fleet.idle();
  const lostSessions = swarm.state.lost;
  const reconnect = await fleet.killAndRestart();
  say(`back in ${reconnect.seconds.toFixed(1)} s`);
  return {
    rssBytes: plane.peakResidentBytes(),
    idleRssBytes,
    idleCpuPercent: ((idle.cpu.plane + idle.cpu.postgres) / 60) * 100,
    idleCpuSecondsPerMinute: idle.cpu,
    statementsPerSecond: idle.statementsPerSecond,
    enrolmentCpuMs,
    connectSeconds,
    pushSeconds,
    rolloutSeconds: rolloutAtOnce.seconds,
    rolloutAtOnce,
    rolloutInWaves,
    listNodesMs,
    reconnectSeconds: reconnect.seconds,
    reconnectCpu: reconnect.cpu,
    longestStopMs: await plane.longestStopMs(),
    lostSessions,
  };
}

/** All figures of one build under so many agents. @throws Error where the build cannot. */
export async function measureFleet(options: MeasureOptions): Promise<FleetFigures> {
  const { agents, bundles, ownBundles, dir, heartbeatMs } = options;
  mkdirSync(dir, { recursive: true });
  await using database = await BenchDatabase.start(dir);
  await using plane = await BenchControlPlane.start({ dir, bundles, ownBundles, databaseUrl: database.url });
  await using swarm = new Swarm(ownBundles, {
    ...{ agents, heartbeatMs, switchMs, connectPerSecond, ca: plane.ca },
    operatorAddress: `127.0.0.1:${plane.operatorPort}`,
    agentAddress: `127.0.0.1:${plane.agentPort}`,
  });
  const operator = plane.operator();
  try {
    await operator.fleet.createCluster({ ...switchingToWire({}), name: cluster });
    await addPatches(plane, database, ['bench-1', 'bench-2']);
    const figures = await takeFigures(new MeasuredFleet(options, database, plane, swarm, operator), options);
    for (const { ms, calls, query } of await database.hottest(10)) {
      options.say(`${ms.toFixed(0)} ms, ${calls} times: ${query.replaceAll(/\s+/g, ' ')}`);
    }
    return figures;
  } finally {
    operator.close();
  }
}
