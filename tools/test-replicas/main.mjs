// SPDX-License-Identifier: GPL-2.0-only
// `npm run test:replicas [-- --rounds 50 --planes 2 --planes 3 --queue postgres --queue redis --json]`: kills and stops each of
// several control planes in turn, while they work, and tells how long it took until another one led.
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

const number = /^[1-9]\d{0,4}$/;
const options = {
  rounds: { type: 'string', default: '50' },
  planes: { type: 'string', multiple: true, default: ['2', '3'] },
  queue: { type: 'string', multiple: true, default: ['postgres', 'redis'] },
  json: { type: 'boolean', default: false },
};
const { values } = parseArgs({ options });

function refuse(message) {
  console.error(`error: ${message}`);
  process.exit(2);
}
if (!number.test(values.rounds)) refuse(`--rounds takes a whole number, not "${values.rounds}".`);
for (const planes of values.planes) {
  if (!number.test(planes) || planes === '1') refuse(`--planes takes a whole number from 2 on, not "${planes}".`);
}
for (const queue of values.queue) {
  if (!['postgres', 'redis'].includes(queue)) refuse(`--queue takes postgres or redis, not "${queue}".`);
}

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
for (const planes of values.planes) {
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
