// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command } from 'commander';
import { wholeNumber } from '../command-options/whole-number';
import { Cleanup } from '../demo/processes';
import { Narrator } from './narrator';
import { tellFleetStory } from './tell-fleet-story';

const root = path.resolve(__dirname, '..');
/** Canaries, and two waves after them. */
const fewestAgents = 10;

interface Options {
  readonly agents: number;
  readonly json?: boolean;
}

async function main({ agents, json = false }: Options): Promise<number> {
  if (agents < fewestAgents) throw new Error(`The story needs ${fewestAgents} agents at least.`);
  const interruption = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) {
    process.on(name, () => {
      interruption.abort(new Error(`ended by ${name}`));
    });
  }
  const { signal } = interruption;
  const cleanup = new Cleanup();
  const workDir = await mkdtemp(path.join(tmpdir(), 'lockstep-story-'));
  const narrator = new Narrator(json ? process.stderr : process.stdout);
  const begunMs = performance.now();
  let failure: string | undefined;
  try {
    await tellFleetStory({ root, workDir, cleanup, signal }, narrator, agents);
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  } finally {
    await cleanup.run();
  }
  const seconds = Math.round((performance.now() - begunMs) / 1_000);
  if (failure === undefined || signal.aborted) await rm(workDir, { recursive: true, force: true });
  if (json) console.log(JSON.stringify({ agents, seconds, failure: failure ?? null, chapters: narrator.chapters }));
  if (failure === undefined) narrator.say(`\nstory: ${agents} nodes, ${seconds} s, every step as it was expected`);
  else process.stderr.write(`story: ${failure}\n${signal.aborted ? '' : `story: logs are kept in ${workDir}\n`}`);
  return failure === undefined ? 0 : 1;
}

const options = new Command('story')
  .description(
    'a rollout as operators live it, on a fleet of agents without kernels: approvals, a canary that fails, a window',
  )
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
