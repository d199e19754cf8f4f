// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { Operator } from './operator';
import { Cleanup } from './processes';
import { readEndpoint } from './services';
import type { StoryEnd } from './stage';
import { tellStockStory } from './stock-story';
import { tellStory } from './story';

const root = path.resolve(__dirname, '..');

/** Debian's cloud kernel of version 6.1.176-1: it lacks what examples/debian-6.1.0-50 mends. */
const stockRelease = '6.1.0-50-cloud-amd64';

function printEnd({ table, line, deviations }: StoryEnd): void {
  console.log(table);
  for (const deviation of deviations) console.log(`deviates: ${deviation}`);
  if (deviations.length === 0) console.log(line);
}

/** Where it is looked at, and by whom. */
interface ShownConsole {
  readonly url: string;
  readonly token: string;
  readonly stateDir: string;
}

async function consoleOf(operator: Operator): Promise<ShownConsole> {
  const { stateDir } = operator;
  const { httpAddress } = await readEndpoint(stateDir);
  return { url: `https://${httpAddress}/console/`, token: await operator.accessToken('demo'), stateDir };
}

function printConsole({ url, token, stateDir }: ShownConsole): void {
  console.log(`\n  ${url}`);
  console.log(`  sign in with ${token}`);
  console.log(`  (no browser knows its certificate: its authority's is ${path.join(stateDir, 'pki/ca.crt')})\n`);
}

function printCommands(shown: ShownConsole): void {
  const commands = ['node ls', 'node show node-1', 'order show --cluster demo', 'patch ls', 'build ls'];
  console.log('\nIt is left running until Ctrl-C, and its console with it:');
  printConsole(shown);
  console.log('Or look around from another terminal:\n');
  console.log(`  export LOCKSTEP_STATE_DIR=${shown.stateDir}`);
  for (const command of commands) console.log(`  node ${path.join(root, 'dist/lockstep.js')} ${command}`);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true });
    // Keeps Node alive while nothing else does.
    const idle = setInterval(() => undefined, 60_000);
    signal.addEventListener('abort', () => {
      clearInterval(idle);
    });
  });
}

interface Options {
  readonly keep?: boolean;
  readonly stock?: boolean;
  readonly release: string;
  readonly from?: string;
}

async function main({ keep = false, stock = false, release, from }: Options): Promise<number> {
  const interruption = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      interruption.abort(new Error(`ended by ${name}`));
    });
  const cleanup = new Cleanup();
  const workDir = await mkdtemp(path.join(tmpdir(), 'lockstep-demo-'));
  let failed = true;
  try {
    let shown: ShownConsole | undefined;
    const showConsole = async (operator: Operator): Promise<void> => {
      if (!keep) return;
      shown = await consoleOf(operator);
      console.log('      watch the machines move on its console:');
      printConsole(shown);
    };
    const stage = { root, workDir, cleanup, signal: interruption.signal, showConsole };
    const end = stock ? await tellStockStory(stage, { release, packages: from }) : await tellStory(stage);
    printEnd(end);
    failed = end.deviations.length > 0;
    if (shown !== undefined && !failed) {
      printCommands(shown);
      await aborted(interruption.signal);
    }
  } catch (error) {
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}\n`);
  } finally {
    await cleanup.run();
    if (failed && !interruption.signal.aborted)
      process.stderr.write(`demo: logs and consoles are kept in ${workDir}\n`);
    else await rm(workDir, { recursive: true, force: true });
  }
  return failed ? 1 : 0;
}

const options = new Command('demo')
  .description('the whole job on real kernels: build, order, roll out, refuse, override, reboot, prove')
  .option('--keep', 'leave everything running and print commands to look around')
  .option(
    '--stock',
    "the job on Debian's own kernel: a security fix of a module, while it is in use and before it comes",
  )
  .option('--release <release>', 'with --stock, which of them', stockRelease)
  .option('--from <dir>', 'with --stock, its packages, unpacked there (default: fetched through apt)')
  .parse()
  .opts<Options>();
main(options).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`demo: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    process.exit(1);
  },
);
