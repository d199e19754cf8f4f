// SPDX-License-Identifier: GPL-2.0-only
import CliTable from 'cli-table3';
import type { Figures, Row } from './figures';

const micros = (ns: number | null): string => (ns === null ? '-' : (ns / 1000).toFixed(1));
const times = (ratio: number | null): string => (ratio === null ? '-' : ratio.toFixed(3));
const spread = (...values: readonly (number | null)[]): string => values.map(micros).join(' / ');

const legend = [
  'window, stop (with the time to stop all CPUs and to let them go on), µs: system median / p99, stop_machine median / p99.',
  'median, p99: windows, system / stop_machine. done, ms: median of system / stop_machine / per_task.',
  'fork+exit, kill, switch: p99 in µs with no transition / in system / stop_machine / per_task.',
  'standstill: of a second of a transition that fails, at most, µs: system / stop_machine.',
].join('\n');

function latencyCell({ latencies }: Figures, wanted: string): string {
  const modes = ['none', 'system', 'stop_machine', 'per_task'];
  const p99 = (of: string): number | null =>
    latencies.find(({ mode, action }) => mode === of && action === wanted)?.ns.p99 ?? null;
  return spread(...modes.map(p99));
}

const cellsOf = (figures: Figures): string[] => [
  spread(figures.systemMedianNs, figures.systemP99Ns, figures.stopMachineMedianNs, figures.stopMachineP99Ns),
  spread(
    figures.systemStopMedianNs,
    figures.systemStopP99Ns,
    figures.stopMachineStopMedianNs,
    figures.stopMachineStopP99Ns,
  ),
  times(figures.medianRatio),
  times(figures.p99Ratio),
  [figures.systemElapsedMs, figures.stopMachineElapsedMs, figures.perTaskElapsedMs].map((ms) => ms ?? '-').join(' / '),
  latencyCell(figures, 'fork'),
  latencyCell(figures, 'kill'),
  latencyCell(figures, 'switch'),
  spread(figures.systemStandstillNs, figures.stopMachineStandstillNs),
];

function describeFigures(figures: Figures): string {
  const [
    window = '',
    stop = '',
    median = '',
    p99 = '',
    done = '',
    fork = '',
    kill = '',
    contextSwitch = '',
    still = '',
  ] = cellsOf(figures);
  return (
    `window ${window} µs: ${median}, p99 ${p99}; stop ${stop} µs; done in ${done} ms; fork ${fork}, kill ${kill}, ` +
    `switch ${contextSwitch} µs; standstill ${still} µs`
  );
}

/** Told at once: a run of an hour may be cut off. */
export function describeRow(row: Row): string {
  const other = row.baseline === null ? '' : `\n      against: ${describeFigures(row.baseline)}`;
  return `${describeFigures(row)}${other}`;
}

export function printTable(rows: readonly Row[]): void {
  const table = new CliTable({
    head: [
      ...['tasks', 'running', 'cpus', 'window µs', 'stop µs', 'median', 'p99', 'done in ms', 'fork+exit µs'],
      ...['kill µs', 'switch µs', 'standstill µs'],
    ],
  });
  for (const row of rows) {
    table.push([row.tasks, `${row.runningPercent} %`, row.cpus, ...cellsOf(row)]);
    if (row.baseline !== null) table.push(['against', '', '', ...cellsOf(row.baseline)]);
  }
  console.log(table.toString());
  console.log(legend);
}
