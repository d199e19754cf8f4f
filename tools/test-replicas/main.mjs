// SPDX-License-Identifier: GPL-2.0-only
// `npm run test:replicas [-- --rounds 50 --planes 2 --planes 3 --queue postgres --queue redis --json]`: kills and stops each of
// several control planes in turn, while they work, and tells how long it took until another one led.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';

function wholeNumber(text, least) {
  if (/^[1-9]\d{0,4}$/.test(text) && Number(text) >= least) return text;
  throw new InvalidArgumentError(`Use a whole number from ${least}.`);
}

const values = new Command('test:replicas')
  .description('kill and stop each of several control planes in turn, while they work')
  .option('--rounds <n>', 'how often with each number of them and each queue', (text) => wholeNumber(text, 1), '50')
  .option('--planes <n...>', 'how many there are, may be given several times (default: 2 and 3)', (text, before) => [
    ...(before ?? []),
    wholeNumber(text, 2),
  ])
  .addOption(
    new Option('--queue <name...>', 'where jobs wait').choices(['postgres', 'redis']).default(['postgres', 'redis']),
  )
  .option('--json', 'print one JSON document')
  .parse()
  .opts();

const root = path.resolve(import.meta.dirname, '../..');

/** @returns whether all of it held. */
function test(env) {
  const args = ['--selectProjects', 'replicas'];
  // Its words are no part of the one document.
  const stdio = ['ignore', values.json ? process.stderr : 'inherit', 'inherit'];
  const jest = spawn(path.join(root, 'node_modules/.bin/jest'), args, { cwd: root, stdio, env });
  return new Promise((resolve) => {
    jest.on('exit', (code) => resolve(code === 0));
  });
}

/** Of rounds in which the leader was harmed. */
function takeOver(rounds) {
  const tookMs = rounds.flatMap(({ takeOverMs }) => takeOverMs ?? []).sort((a, b) => a - b);
  return { p50Ms: tookMs[Math.floor((tookMs.length - 1) / 2)] ?? null, maxMs: tookMs.at(-1) ?? null };
}

const folder = await mkdtemp(path.join(tmpdir(), 'lockstep-replicas-'));
const rows = [];
for (const planes of values.planes ?? ['2', '3']) {
  for (const queue of values.queue) {
    const figures = path.join(folder, `${planes}-${queue}`);
    const isWhole = await test({
      ...process.env,
      LOCKSTEP_REPLICA_ROUNDS: values.rounds,
      LOCKSTEP_REPLICA_PLANES: planes,
      LOCKSTEP_REPLICA_QUEUE: queue,
      LOCKSTEP_REPLICA_FIGURES: figures,
    });
    const text = await readFile(figures, 'utf8').catch(() => '');
    const rounds = text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]));
    // It ends with the first one.
    const violations = isWhole ? 0 : 1;
    rows.push({ planes: Number(planes), queue, rounds: rounds.length, takeOver: takeOver(rounds), violations });
  }
}
await rm(folder, { recursive: true });
if (values.json) console.log(JSON.stringify({ rows }, undefined, 2));
else console.table(rows.map(({ takeOver: times, ...row }) => ({ ...row, ...times })));
process.exitCode = rows.every(({ violations }) => violations === 0) ? 0 : 1;
