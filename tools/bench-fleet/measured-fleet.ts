// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { RolloutStatus } from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { listAll, type OperatorClient } from '@lockstep/io/rpc-client';
import { kernelBuild } from './bench-agent';
import type { BenchControlPlane } from './bench-control-plane';
import type { BenchDatabase } from './bench-database';
import type { PhaseFigures, PhaseMeter } from './fleet-phase';
import { giveIdentities } from './given-identities';
import type { Swarm } from './swarm';
import type { SwarmState } from './swarm-messages';

export const cluster = 'bench';
export const nodeName = (index: number): string => `node-${index}`;
/** Far longer than anything takes that is worth a figure. */
const patienceMs = 600_000;
const longDeadline = { deadlineMs: 120_000 };

export interface MeasuredFleetParts {
  readonly agents: number;
  readonly database: BenchDatabase;
  readonly plane: BenchControlPlane;
  readonly swarm: Swarm;
  readonly operator: OperatorClient;
  readonly meter: PhaseMeter;
}

/** A running fleet and what is asked of it. */
export class MeasuredFleet {
  constructor(readonly parts: MeasuredFleetParts) {}

  private async createJoinTokens(count: number): Promise<string[]> {
    const { operator } = this.parts;
    const joinTokens: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const asked = { cluster, node: nodeName(index), ttlSeconds: 0, allow: '', count: 0 };
      joinTokens.push((await operator.fleet.createJoinToken(asked, longDeadline)).joinToken);
    }
    return joinTokens;
  }

  /** So many ask to enrol. */
  async enrol(count: number): Promise<PhaseFigures> {
    const { meter, swarm } = this.parts;
    let joinTokens: string[] = [];
    await meter.during('join tokens', async () => {
      joinTokens = await this.createJoinTokens(count);
    });
    return meter.during('enrolled', async () => {
      swarm.tell({ kind: 'enrol', joinTokens });
      await swarm.until('enrolled', ({ enrolled }) => enrolled >= count, patienceMs);
    });
  }

  /** The others are nodes without having asked; the control plane learns of them as it starts. */
  async addEnrolled(from: number): Promise<void> {
    const { plane, database, swarm, agents } = this.parts;
    const names = Array.from({ length: agents - from }, (_, index) => nodeName(from + index));
    if (names.length === 0) return;
    const identities = await giveIdentities(plane.keysDir, names);
    await plane.kill();
    await database.addNodes(cluster, identities);
    await plane.launch();
    swarm.tell({ kind: 'take', identities });
    await this.all('all have enrolled', ({ enrolled }) => enrolled);
  }

  async connect(): Promise<void> {
    this.parts.swarm.tell({ kind: 'connect' });
    await this.all('all connected', ({ connected }) => connected);
  }

  all(what: string, count: (state: SwarmState) => number | undefined): Promise<number> {
    const { swarm, agents } = this.parts;
    return swarm.until(what, (state) => (count(state) ?? 0) >= agents, patienceMs);
  }

  /** Ends when all agents have the entry. */
  async append(patch: string, seq: number): Promise<void> {
    const request = { cluster, patch, kernelBuildId: kernelBuild, overrides: [], expectedSeq: 0, mayInterrupt: false };
    const asked = { ...request, buildId: '', ...switchingToWire({}) };
    await this.parts.operator.fleet.appendLoad(asked, longDeadline);
    await this.all(`all know #${seq}`, ({ knowing }) => knowing[seq - 1]);
  }

  async rollOut(seq: number, waveSize: number): Promise<void> {
    const to = { cluster, kernelBuildId: kernelBuild, toSeq: seq };
    const asked = { ...to, canaries: 1, waveSize, rules: undefined, planHash: '' };
    await this.parts.operator.fleet.startRollout(asked, longDeadline);
    await this.all(`all at #${seq}`, ({ arrived }) => arrived[seq - 1]);
    await this.rolloutEnded();
  }

  async listNodes(): Promise<{ readonly ms: number; readonly connected: number }> {
    const startedAt = performance.now();
    const asked = { cluster, selector: '' };
    const { listNodes } = this.parts.operator.fleet;
    const nodes = await listAll(listNodes, asked, (answer) => answer.nodes, longDeadline);
    return { ms: performance.now() - startedAt, connected: nodes.filter(({ connected }) => connected).length };
  }

  private async rolloutEnded(): Promise<void> {
    for (;;) {
      const { rollouts } = await this.parts.operator.fleet.listRollouts({ cluster }, longDeadline);
      if (rollouts[0]?.status === RolloutStatus.ROLLOUT_STATUS_SUCCEEDED) return;
      if (rollouts[0]?.status === RolloutStatus.ROLLOUT_STATUS_HALTED) throw new Error('The rollout halted.');
      await sleep(500);
    }
  }

  /** Killed and started: until it counts all as connected again. */
  killAndRestart(): Promise<PhaseFigures> {
    const { meter, plane, agents } = this.parts;
    const work = async (begin: () => Promise<void>): Promise<void> => {
      await this.kill();
      await plane.launch();
      await begin();
      await this.all('all back', ({ connected }) => connected);
      while ((await this.listNodes()).connected < agents) await sleep(1000);
    };
    return meter.during('killed and started', work, { beginsItself: true });
  }

  /** Until all agents have noticed. */
  async kill(): Promise<void> {
    const { plane, swarm } = this.parts;
    await plane.kill();
    await swarm.until('all noticed', ({ connected }) => connected === 0, patienceMs);
  }
}
