// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { wholeNumber } from '../command-options/whole-number';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { fleetParts, fleetTable, type FleetFigures, type FleetPart, type FleetRow } from './fleet-figures';
import { measureStorm, type StormFigures } from './measure-storm';
import { measureFleet, type MeasureOptions } from './measure-fleet';

const ownBundles = path.resolve(__dirname);
/** The agents of the first version: none that may be compared reports less often. */
const heartbeatMs = 15_000;

interface Options {
  readonly agents: readonly number[];
  readonly against?: string;
  readonly idleSeconds: number;
  readonly enrol: number;
  readonly parts: ReadonlySet<FleetPart>;
  readonly profile?: string;
  readonly pages?: boolean;
  readonly storm?: boolean;
  readonly json?: boolean;
}

function readParts(text: string): ReadonlySet<FleetPart> {
  const parts = text.split(',').map((name) => fleetParts.find((part) => part === name));
  if (parts.includes(undefined)) throw new InvalidArgumentError(`Some of ${fleetParts.join(',')}.`);
  return new Set(parts.filter((part) => part !== undefined));
}

function readOptions(): Options {
  const { agents, ...rest } = new Command('bench:fleet')
    .description('what a fleet costs the control plane: agents without a kernel, over real mutual TLS streams')
    .option(
      '--agents <n>',
      'how many, may be given several times (default 200, 1000)',
      (text, before: number[]) => [...before, wholeNumber(text)],
      [] as number[],
    )
    .option('--against <dir>', 'a built checkout to compare with, in the same run')
    .option('--idle-seconds <n>', 'for how long nothing is done while idling is measured', wholeNumber, 30)
    .option(
      '--enrol <n>',
      'at most so many enrol by the call, the others are given certificates',
      wholeNumber,
      Infinity,
    )
    .option(
      '--parts <names>',
      `what is measured once all are connected: some of ${fleetParts.join(',')} (default: all)`,
      readParts,
      new Set(fleetParts),
    )
    .option('--profile <dir>', 'keep a CPU profile of each phase of this build there')
    .option('--pages', 'ask for pages of lists all the while, and tell how long they take')
    .option('--storm', 'kill and start it while 30 % of the agents can never come back, and measure nothing else')
    .option('--json', 'print one JSON document')
    .parse()
    .opts<Options>();
  return { ...rest, agents: agents.length === 0 ? [200, 1000] : agents };
}

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

type Build = Pick<MeasureOptions, 'bundles' | 'profileDir'> & { readonly name: string };
type Asked = Pick<MeasureOptions, 'agents' | 'idleSeconds' | 'enrolling' | 'parts' | 'asksPages'>;

async function measure(asked: Asked, { name, ...build }: Build): Promise<FleetFigures> {
  using scratch = ScratchDirectory.create('bench-fleet');
  say(`${asked.agents} agents, ${name}`);
  const tell = (line: string): void => {
    say(`  ${line}`);
  };
  return await measureFleet({ ...asked, ...build, ownBundles, dir: scratch.path, heartbeatMs, say: tell });
}

async function rowOf(
  agents: number,
  { against, idleSeconds, enrol, parts, profile, pages = false }: Options,
): Promise<FleetRow> {
  const asked = { agents, idleSeconds, enrolling: enrol, parts, asksPages: pages };
  const profiled = profile === undefined ? {} : { profileDir: path.resolve(profile, String(agents)) };
  const figures = await measure(asked, { name: 'this build', bundles: ownBundles, ...profiled });
  if (against === undefined) return { agents, ...figures, baseline: null };
  try {
    const build = { name: against, bundles: path.resolve(against, 'dist') };
    const baseline = await measure(asked, build);
    return { agents, ...figures, baseline };
  } catch (error) {
    return { agents, ...figures, baseline: null, baselineFailure: (error as Error).message };
  }
}

async function storms({ agents }: Options): Promise<void> {
  const figures: StormFigures[] = [];
  for (const count of agents) {
    using scratch = ScratchDirectory.create('bench-fleet');
    const where = { bundles: ownBundles, ownBundles, dir: scratch.path };
    figures.push(await measureStorm({ agents: count, ...where, heartbeatMs, say }));
  }
  console.log(JSON.stringify({ storms: figures }, null, 2));
}

async function main(options: Options): Promise<void> {
  if (options.storm === true) return storms(options);
  const rows: FleetRow[] = [];
  for (const agents of options.agents) rows.push(await rowOf(agents, options));
  console.log(options.json === true ? JSON.stringify({ rows }, null, 2) : fleetTable(rows));
  for (const { agents, baselineFailure } of rows) {
    if (baselineFailure !== undefined) say(`${agents} agents before: ${baselineFailure}`);
  }
}

main(readOptions()).catch((error: unknown) => {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
