// SPDX-License-Identifier: GPL-2.0-only
import CliTable from 'cli-table3';

/** CPU of the control plane and of PostgreSQL, in seconds. */
export interface CpuSeconds {
  readonly plane: number;
  readonly postgres: number;
}

export interface RolloutFigures {
  readonly seconds: number;
  readonly cpu: CpuSeconds;
}

/** One build of the control plane under one number of agents. A figure that was not measured is null. */
export interface FleetFigures {
  /** The most it ever had, and idle before the first rollout. */
  readonly rssBytes: number;
  readonly idleRssBytes: number;
  /** Of one CPU, both processes; idle once rollouts have been. */
  readonly idleCpuPercent: number;
  readonly idleCpuSecondsPerMinute: CpuSeconds;
  readonly statementsPerSecond: number;
  readonly enrolmentCpuMs: number;
  readonly connectSeconds: number;
  readonly pushSeconds: number;
  readonly rolloutSeconds: number;
  readonly rolloutAtOnce: RolloutFigures;
  readonly rolloutInWaves: RolloutFigures;
  readonly listNodesMs: number;
  /** Killed and started again: until all are back. */
  readonly reconnectSeconds: number;
  readonly reconnectCpu: CpuSeconds;
  readonly longestStopMs: number;
  /** Sessions that ended without anybody having been killed. */
  readonly lostSessions: number;
}

export interface FleetRow extends FleetFigures {
  readonly agents: number;
  readonly baseline: FleetFigures | null;
  /** Why there is no baseline, where one was asked for. */
  readonly baselineFailure?: string;
}

const megabytes = (bytes: number): string => `${Math.round(bytes / 1e6)} MB`;
const seconds = (value: number): string => `${value.toFixed(1)} s`;
const cpu = ({ plane, postgres }: CpuSeconds): string => `${plane.toFixed(1)} + ${postgres.toFixed(1)} s`;
const rollout = (figures: RolloutFigures): string => `${seconds(figures.seconds)} (CPU ${cpu(figures.cpu)})`;

const lines: readonly (readonly [string, (figures: FleetFigures) => string])[] = [
  ['resident, idle / highest', (f) => `${megabytes(f.idleRssBytes)} / ${megabytes(f.rssBytes)}`],
  ['idle CPU a minute, control plane + PostgreSQL', (f) => cpu(f.idleCpuSecondsPerMinute)],
  ['statements a second, idle', (f) => f.statementsPerSecond.toFixed(1)],
  ['CPU of one enrolment', (f) => `${f.enrolmentCpuMs.toFixed(1)} ms`],
  ['append until all have it', (f) => seconds(f.pushSeconds)],
  ['rollout, all at once', (f) => rollout(f.rolloutAtOnce)],
  ['rollout, in waves of a tenth', (f) => rollout(f.rolloutInWaves)],
  ['ListNodes', (f) => `${f.listNodesMs.toFixed(0)} ms`],
  ['killed and started, until all are back', (f) => `${seconds(f.reconnectSeconds)} (CPU ${cpu(f.reconnectCpu)})`],
  ['longest stop of the event loop', (f) => `${f.longestStopMs.toFixed(0)} ms`],
  ['sessions that ended by themselves', (f) => String(f.lostSessions)],
];

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
