// SPDX-License-Identifier: GPL-2.0-only
import { loadavg } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { Command } from 'commander';
import {
  exampleDiff,
  patientOperator,
  startDevFleet,
  type DevFleet,
  type FleetNode,
} from '@lockstep/testing/dev-fleet';
import { cpuSeconds, peakResidentBytes, residentBytes } from '../bench-fleet/process-usage';
import { wholeNumber } from '../command-options/whole-number';

interface Options {
  readonly nodes: number;
  readonly idleSeconds: number;
}

/** Of one agent, the mean of all. */
interface AgentFigures {
  readonly idleRssBytes: number;
  /** The most that any of them ever had. */
  readonly peakRssBytes: number;
  readonly idleCpuSecondsPerHour: number;
  /** Of one rollout of one module. */
  readonly rolloutCpuSeconds: number;
  readonly load: number;
}

const readOptions = (): Options =>
  new Command('bench:agent')
    .description('what the agent costs its host, idle and in a rollout: real agents, whose kernels are folders')
    .option('--nodes <n>', 'how many agents', wholeNumber, 3)
    .option('--idle-seconds <n>', 'for how long nothing is done while idling is measured', wholeNumber, 600)
    .parse()
    .opts<Options>();

const pidOf = ({ agent }: FleetNode): number => agent.pid() ?? 0;
const mean = (numbers: readonly number[]): number => numbers.reduce((sum, each) => sum + each, 0) / numbers.length;
const cpuOf = ({ nodes }: DevFleet): number => mean(nodes.map((node) => cpuSeconds(pidOf(node))));

/** What is compiled and loaded at first is no part of idling. */
const warmUpMs = 20_000;

async function measure(fleet: DevFleet, idleSeconds: number): Promise<AgentFigures> {
  await fleet.settled();
  await sleep(warmUpMs);
  const before = cpuOf(fleet);
  await sleep(idleSeconds * 1000);
  const idleCpu = cpuOf(fleet) - before;
  const idleRssBytes = mean(fleet.nodes.map((node) => residentBytes(pidOf(node))));
  const operator = patientOperator(fleet);
  await operator.submit('bench', exampleDiff(fleet.release, ['a'], '1'));
  const beforeRollout = cpuOf(fleet);
  await operator.appendOver('bench');
  await operator.rollOut();
  return {
    idleRssBytes,
    peakRssBytes: Math.max(...fleet.nodes.map((node) => peakResidentBytes(pidOf(node)))),
    idleCpuSecondsPerHour: (idleCpu * 3600) / idleSeconds,
    rolloutCpuSeconds: cpuOf(fleet) - beforeRollout,
    load: loadavg()[0] ?? 0,
  };
}

async function main({ nodes, idleSeconds }: Options): Promise<void> {
  const fleet = await startDevFleet({ nodes, queue: 'postgres', transitionMs: 500 });
  try {
    console.log(JSON.stringify(await measure(fleet, idleSeconds), null, 2));
  } finally {
    await fleet.stop();
  }
}

main(readOptions()).catch((error: unknown) => {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
