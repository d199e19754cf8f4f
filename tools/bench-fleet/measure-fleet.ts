// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { endingsSince } from './add-states';
import type { FleetFigures, FleetPart, FleetPhase } from './fleet-figures';
import type { PhaseFigures } from './fleet-phase';
import { Floor } from './floor';
import type { MeasuredFleet } from './measured-fleet';
import { withFleet, type FleetOptions } from './running-fleet';

export interface MeasureOptions extends FleetOptions {
  /** So many of them enrol by the call; that is what takes longest with many. */
  readonly enrolling: number;
  readonly idleSeconds: number;
  /** What is measured once all are connected. */
  readonly parts: ReadonlySet<FleetPart>;
}

type Phases = Partial<Record<FleetPhase, PhaseFigures>>;
type FloorFigures = Pick<FleetFigures, 'floorRssBytes' | 'floorConnectSeconds' | 'floorConnectCpuSeconds'>;

/** In the control plane's place comes the server that does nothing, and all agents to it. */
async function measureFloor(fleet: MeasuredFleet, { ownBundles, say }: MeasureOptions): Promise<FloorFigures> {
  const { plane } = fleet.parts;
  await fleet.kill();
  const startedAt = performance.now();
  await using floor = await Floor.start({ bundles: ownBundles, port: plane.agentPort, keysDir: plane.keysDir });
  const before = floor.cpuSeconds();
  await fleet.all('all at the floor', ({ connected }) => connected);
  const floorConnectSeconds = (performance.now() - startedAt) / 1000;
  const floorConnectCpuSeconds = floor.cpuSeconds() - before;
  await sleep(5_000);
  const floorRssBytes = floor.peakResidentBytes();
  say(
    `floor: ${floorConnectSeconds.toFixed(1)} s, CPU ${floorConnectCpuSeconds.toFixed(1)} s, ${Math.round(floorRssBytes / 1e6)} MB`,
  );
  return { floorRssBytes, floorConnectSeconds, floorConnectCpuSeconds };
}

const noFloor: FloorFigures = { floorRssBytes: null, floorConnectSeconds: null, floorConnectCpuSeconds: null };

async function rollOutTwice(fleet: MeasuredFleet, agents: number): Promise<Phases> {
  const { meter } = fleet.parts;
  const push = await meter.during('pushed', () => fleet.append('bench-1', 1));
  const atOnce = await meter.during('rolled out at once', () => fleet.rollOut(1, agents));
  const secondPush = await meter.during('pushed again', () => fleet.append('bench-2', 2));
  const inWaves = await meter.during('rolled out in waves', () => fleet.rollOut(2, Math.ceil(agents / 10)));
  return { push, atOnce, secondPush, inWaves };
}

async function restart(fleet: MeasuredFleet, { say }: MeasureOptions): Promise<PhaseFigures> {
  const { swarm } = fleet.parts;
  const before = swarm.state;
  const figures = await fleet.killAndRestart();
  const { begun, endings } = swarm.state;
  say(
    `connections of the return: ${begun - before.begun}; ended: ${JSON.stringify(endingsSince(before.endings, endings))}`,
  );
  return figures;
}

async function takeFigures(fleet: MeasuredFleet, options: MeasureOptions): Promise<FleetFigures> {
  const { agents, idleSeconds, parts } = options;
  const { plane, swarm, meter, database } = fleet.parts;
  const enrolling = Math.min(agents, options.enrolling);
  const enrolment = await fleet.enrol(enrolling);
  await fleet.addEnrolled(enrolling);
  const connecting = await meter.during('connected', () => fleet.connect());
  await sleep(5_000);
  const idleRssBytes = plane.residentBytes();
  const rollouts: Phases = parts.has('rollouts') ? await rollOutTwice(fleet, agents) : {};
  const { ms: listNodesMs } = await fleet.listNodes();
  const idle = parts.has('idle')
    ? await meter.during('idle', () => sleep(idleSeconds * 1000), { isQuiet: true })
    : undefined;
  const lostSessions = swarm.state.lost;
  if (lostSessions > 0) options.say(`ended by themselves: ${JSON.stringify(swarm.state.endings)}`);
  const postgresOwnBytes = database.ownBytes();
  const reconnect = parts.has('restart') ? await restart(fleet, options) : undefined;
  const rssBytes = plane.peakResidentBytes();
  const others = { ...(idle !== undefined && { idle }), ...(reconnect !== undefined && { reconnect }) };
  const phases: Phases = { enrolment, connecting, ...rollouts, ...others };
  const worst = (figure: (phase: PhaseFigures) => number): number => Math.max(...Object.values(phases).map(figure));
  return {
    rssBytes,
    idleRssBytes,
    ...(parts.has('floor') ? await measureFloor(fleet, options) : noFloor),
    postgresOwnBytes,
    idleCpuPercent: idle === undefined ? null : ((idle.cpu.plane + idle.cpu.postgres) / idle.seconds) * 100,
    statementsPerSecond: idle === undefined ? null : idle.statements / idle.seconds,
    enrolmentCpuMs: (enrolment.cpu.plane * 1000) / enrolling,
    pushSeconds: phases.push?.seconds ?? null,
    rolloutSeconds: phases.atOnce?.seconds ?? null,
    listNodesMs,
    reconnectSeconds: reconnect?.seconds ?? null,
    longestStopMs: worst((phase) => phase.longestStopMs),
    longestTurnCpuMs: worst((phase) => phase.longestTurnCpuMs),
    lostSessions,
    phases,
  };
}

/** All figures of one build under so many agents. @throws Error where the build cannot. */
export const measureFleet = (options: MeasureOptions): Promise<FleetFigures> =>
  withFleet(options, async (fleet) => {
    const figures = await takeFigures(fleet, options);
    for (const { ms, calls, query } of await fleet.parts.database.hottest(10)) {
      options.say(`${ms.toFixed(0)} ms, ${calls} times: ${query.replaceAll(/\s+/g, ' ')}`);
    }
    return figures;
  });
