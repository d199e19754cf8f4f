// SPDX-License-Identifier: GPL-2.0-only
import CliTable from 'cli-table3';
import type { CpuSeconds, PhaseFigures } from './fleet-phase';

/** What can be measured once all are connected, in this order. */
export const fleetParts = ['rollouts', 'idle', 'restart', 'floor'] as const;
export type FleetPart = (typeof fleetParts)[number];

/** One build of the control plane under one number of agents. What was not asked for is null. */
export interface FleetFigures {
  /** The most it ever had, and idle before the first rollout. */
  readonly rssBytes: number;
  readonly idleRssBytes: number;
  /** Of a server that holds the same streams and does nothing, and what the streams' beginnings cost it. */
  readonly floorRssBytes: number | null;
  readonly floorConnectSeconds: number | null;
  readonly floorConnectCpuSeconds: number | null;
  /** Of PostgreSQL, without what its processes share. */
  readonly postgresOwnBytes: number;
  /** Of one CPU, both processes; idle once rollouts have been. */
  readonly idleCpuPercent: number | null;
  readonly statementsPerSecond: number | null;
  readonly enrolmentCpuMs: number;
  readonly pushSeconds: number | null;
  readonly rolloutSeconds: number | null;
  readonly listNodesMs: number;
  /** Killed and started again: until all are back. */
  readonly reconnectSeconds: number | null;
  /** By the clock, and of the event loop's own CPU. */
  readonly longestStopMs: number;
  readonly longestTurnCpuMs: number;
  /** Sessions that ended without anybody having been killed. */
  readonly lostSessions: number;
  readonly phases: Readonly<Partial<Record<FleetPhase, PhaseFigures>>>;
}

export type FleetPhase =
  'enrolment' | 'connecting' | 'push' | 'atOnce' | 'secondPush' | 'inWaves' | 'idle' | 'reconnect';

export interface FleetRow extends FleetFigures {
  readonly agents: number;
  readonly baseline: FleetFigures | null;
  /** Why there is no baseline, where one was asked for. */
  readonly baselineFailure?: string;
}

const notMeasured = '–';
const megabytes = (bytes: number | null): string => (bytes === null ? notMeasured : `${Math.round(bytes / 1e6)} MB`);
const seconds = (value: number | null): string => (value === null ? notMeasured : `${value.toFixed(1)} s`);
const cpu = ({ plane, postgres }: CpuSeconds): string => `${plane.toFixed(1)} + ${postgres.toFixed(1)} s`;
const phase = (figures: PhaseFigures | undefined): string =>
  figures === undefined ? notMeasured : `${seconds(figures.seconds)} (CPU ${cpu(figures.cpu)})`;
const aMinute = (figures: PhaseFigures | undefined): string => {
  if (figures === undefined) return notMeasured;
  const minutes = figures.seconds / 60;
  return cpu({ plane: figures.cpu.plane / minutes, postgres: figures.cpu.postgres / minutes });
};

const lines: readonly (readonly [string, (figures: FleetFigures) => string])[] = [
  ['resident, idle / highest', (f) => `${megabytes(f.idleRssBytes)} / ${megabytes(f.rssBytes)}`],
  ['the floor', (f) => megabytes(f.floorRssBytes)],
  ["PostgreSQL's own memory", (f) => megabytes(f.postgresOwnBytes)],
  ['all connected', (f) => phase(f.phases.connecting)],
  ['idle CPU a minute, control plane + PostgreSQL', (f) => aMinute(f.phases.idle)],
  ['statements a second, idle', (f) => f.statementsPerSecond?.toFixed(1) ?? notMeasured],
  ['CPU of one enrolment', (f) => `${f.enrolmentCpuMs.toFixed(1)} ms`],
  ['append until all have it', (f) => phase(f.phases.push)],
  ['rollout, all at once', (f) => phase(f.phases.atOnce)],
  ['rollout, in waves of a tenth', (f) => phase(f.phases.inWaves)],
  ['ListNodes, all', (f) => `${f.listNodesMs.toFixed(0)} ms`],
  ['killed and started, until all are back', (f) => phase(f.phases.reconnect)],
  ['the floor', (f) => `${seconds(f.floorConnectSeconds)} (CPU ${seconds(f.floorConnectCpuSeconds)})`],
  [
    'longest stop of the event loop (of its own CPU)',
    (f) => `${f.longestStopMs.toFixed(0)} ms (${f.longestTurnCpuMs.toFixed(0)} ms)`,
  ],
  ['sessions that ended by themselves', (f) => String(f.lostSessions)],
  ['load, least to most', (f) => loads(Object.values(f.phases))],
];

function loads(phases: readonly PhaseFigures[]): string {
  const all = phases.map(({ load }) => load);
  return `${Math.min(...all).toFixed(0)} to ${Math.max(...all).toFixed(0)}`;
}

export function fleetTable(rows: readonly FleetRow[]): string {
  const hasBaseline = rows.some(({ baseline, baselineFailure }) => baseline !== null || baselineFailure !== undefined);
  const head = ['', ...rows.flatMap(({ agents }) => [`${agents} agents`, ...(hasBaseline ? ['before'] : [])])];
  const table = new CliTable({ head, style: { head: [] } });
  for (const [label, show] of lines) {
    const cells = rows.flatMap((row) => [
      show(row),
      ...(hasBaseline ? [row.baseline === null ? 'failed' : show(row.baseline)] : []),
    ]);
    table.push([label, ...cells]);
  }
  return table.toString();
}
