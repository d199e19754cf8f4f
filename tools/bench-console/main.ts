// SPDX-License-Identifier: GPL-2.0-only
import path from 'node:path';
import CliTable from 'cli-table3';
import { Command } from 'commander';
import { wholeNumber } from '../command-options/whole-number';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { bundleWeight, type BundleWeight } from './bundle-weight';
import { measureConsole, type ConsoleFigures } from './measure-console';
import { peerPackage, weighPeer, type PeerConsole } from './peer-console';
import { WatchedFleet } from './watched-fleet';

const bundles = path.resolve(__dirname);

interface Options {
  readonly nodes: number;
  readonly agents: number;
  readonly pages: number;
  readonly looks: number;
  readonly rounds: number;
  readonly seconds: number;
  readonly peer: string;
  readonly json?: boolean;
}

interface Report extends ConsoleFigures {
  readonly nodes: number;
  readonly agents: number;
  /** All pages of it. */
  readonly bundle: BundleWeight;
  readonly peer: PeerConsole | null;
}

const readOptions = (): Options =>
  new Command('bench:console')
    .description('what the console’s nodes page costs its reader and the server while a rollout runs')
    .option('--nodes <n>', 'as many the page lists', wholeNumber, 10_000)
    .option('--agents <n>', 'as many of them are connected and rolled out to', wholeNumber, 300)
    .option('--pages <n>', 'as many are open while the server is measured', wholeNumber, 5)
    .option('--looks <n>', 'how often the page is opened with an empty cache', wholeNumber, 7)
    .option('--rounds <n>', 'how often the server is measured with pages and without', wholeNumber, 5)
    .option('--seconds <n>', 'for how long each time', wholeNumber, 10)
    .option('--peer <package>', 'another console, as npm names it', peerPackage)
    .option('--json', 'print one JSON document')
    .parse()
    .opts<Options>();

const say = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

function weighOther(name: string): PeerConsole | null {
  using scratch = ScratchDirectory.create('bench-console-peer');
  try {
    return weighPeer(name, scratch.path);
  } catch (error) {
    say(`${name} is not weighed: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}

const kilobytes = (bytes: number): string => `${(bytes / 1_000).toFixed(0)} KB`;

function table({ bundle, peer, ...f }: Report): string {
  const rows = new CliTable({ head: ['', `${f.nodes} nodes, ${f.agents} of them rolled out to`], style: { head: [] } });
  rows.push(
    [
      'first node in sight, nothing cached',
      `${f.firstPaintMs.toFixed(0)} ms (first paint ${f.firstContentMs.toFixed(0)} ms)`,
    ],
    ['transferred until then', kilobytes(f.transferredBytes)],
    [
      'script / all of the main thread, a second',
      `${f.scriptMsPerSecond.toFixed(1)} / ${f.busyMsPerSecond.toFixed(1)} ms`,
    ],
    ['transferred while watching, a second', kilobytes(f.watchedBytesPerSecond)],
    [
      'server CPU for each open page',
      `${f.serverCpuPercent.toFixed(2)} % (none open: ${f.serverIdleCpuPercent.toFixed(1)} %)`,
    ],
    ['all pages of the console, gzip', kilobytes(bundle.gzipBytes)],
    [
      peer === null ? 'another console' : `all of ${peer.name}, gzip`,
      peer === null ? 'not weighed' : kilobytes(peer.gzipBytes),
    ],
    ['load', f.load.toFixed(1)],
  );
  return rows.toString();
}

async function main({ nodes, agents, peer, json, ...asked }: Options): Promise<void> {
  if (agents > nodes) throw new Error('--agents are some of the --nodes: there cannot be more of them.');
  using scratch = ScratchDirectory.create('bench-console');
  const fleet = { nodes, agents, bundles, dir: scratch.path, say };
  const figures = await WatchedFleet.run(fleet, (watched) => measureConsole(watched, { ...asked, say }));
  const bundle = bundleWeight(path.join(bundles, 'console'));
  const report: Report = { nodes, agents, ...figures, bundle, peer: weighOther(peer) };
  console.log(json === true ? JSON.stringify(report, null, 2) : table(report));
}

main(readOptions()).catch((error: unknown) => {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
