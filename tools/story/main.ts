// SPDX-License-Identifier: GPL-2.0-only
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command, Option } from 'commander';
import { wholeNumber } from '../command-options/whole-number';
import { Cleanup } from '../demo/processes';
import type { Stage } from '../demo/stage';
import { Narrator } from './narrator';
import { tellFleetStory } from './tell-fleet-story';
import { tellMachineStory } from './tell-machine-story';

const root = path.resolve(__dirname, '..');
/** Canaries, and two waves after them. */
const fewestAgents = 10;

type Part = 'fleet' | 'machines';

interface Options {
  readonly agents: number;
  /** Absent: all of it. */
  readonly only?: Part;
  readonly json?: boolean;
}

async function main({ agents, only, json = false }: Options): Promise<number> {
  if (agents < fewestAgents) throw new Error(`The story needs ${fewestAgents} agents at least.`);
  const interruption = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      interruption.abort(new Error(`ended by ${name}`));
    });
  }
  const { signal } = interruption;
  const workDir = await mkdtemp(path.join(tmpdir(), 'lockstep-story-'));
  const narrator = new Narrator(json ? process.stderr : process.stdout);
  /** Each has a control plane of its own, and leaves nothing running. */
  const tellPart = async (part: Part, tell: (stage: Stage) => Promise<void>): Promise<void> => {
    const cleanup = new Cleanup();
    const dir = path.join(workDir, part);
    await mkdir(dir);
    try {
      await tell({ root, workDir: dir, cleanup, signal });
    } finally {
      await cleanup.run();
    }
  };
  const begunMs = performance.now();
  let failure: string | undefined;
  try {
    if (only !== 'machines') await tellPart('fleet', (stage) => tellFleetStory(stage, narrator, agents));
    if (only !== 'fleet') await tellPart('machines', (stage) => tellMachineStory(stage, narrator));
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  const seconds = Math.round((performance.now() - begunMs) / 1_000);
  if (failure === undefined || signal.aborted) await rm(workDir, { recursive: true, force: true });
  if (json) console.log(JSON.stringify({ agents, seconds, failure: failure ?? null, chapters: narrator.chapters }));
  if (failure === undefined) narrator.say(`\nstory: ${seconds} s, every step as it was expected`);
  else process.stderr.write(`story: ${failure}\n${signal.aborted ? '' : `story: logs are kept in ${workDir}\n`}`);
  return failure === undefined ? 0 : 1;
}

const options = new Command('story')
  .description(
    'rollouts as operators live them: on a fleet of agents without kernels, with approvals, a probe that fails and a window; ' +
      'and on four machines, one of which gets a patch that its kernel does not bear',
  )
  .addOption(new Option('--only <part>', 'of the two').choices(['fleet', 'machines']))
  .option('--agents <n>', 'how many', wholeNumber, 200)
  .option('--json', 'print one JSON document at the end, and the story on standard error')
  .parse()
  .opts<Options>();
main(options).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`story: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(1);
  },
);
