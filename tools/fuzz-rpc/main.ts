// SPDX-License-Identifier: GPL-2.0-only
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { status, type ServiceError } from '@grpc/grpc-js';
import { Command } from 'commander';
import { ProbedControlPlane } from '@lockstep/testing/heap-soak';
import { wholeNumber } from '../command-options/whole-number';
import { openCallers, type FuzzCaller } from './callers';
import { readDescriptions, type Descriptions, type MethodDescription } from './descriptors';
import { damaged, randomMessage, type Random } from './random-message';

const mayGrowBytes = 32 * 1024 * 1024;
/** A watch answers as long as it is let: what has not ended by then is called off, and that is clear too. */
const callWithinMs = 3_000;
const atOnce = 8;
/** It would end the fuzzing by taking the fuzzer's own rights. */
const spared = ['/lockstep.v1.AccessService/RevokeToken'];
/** What says that the control plane did not know what to say. */
const unclear: readonly number[] = [status.UNKNOWN, status.INTERNAL, status.DATA_LOSS];

interface Options {
  readonly seconds: number;
  readonly seed: number;
  readonly json?: boolean;
}

/** mulberry32: small, and the same everywhere. */
function seeded(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const same = (bytes: Buffer): Buffer => bytes;

/** @returns the status; OK for a call that was called off while it answered. */
function callOnce(
  { client, metadata }: FuzzCaller,
  { path: method }: MethodDescription,
  body: Buffer,
): Promise<ServiceError | undefined> {
  return new Promise((resolve) => {
    const call = client.makeServerStreamRequest(method, same, same, body, metadata());
    const timer = setTimeout(() => {
      call.cancel();
    }, callWithinMs);
    const end = (error?: ServiceError): void => {
      clearTimeout(timer);
      resolve(error?.code === status.CANCELLED ? undefined : error);
    };
    call.on('data', () => undefined);
    call.on('error', end);
    call.on('end', () => {
      end();
    });
  });
}

interface Figures {
  calls: number;
  readonly byStatus: Map<string, number>;
  readonly faults: string[];
}

async function fuzzOnce(
  caller: FuzzCaller,
  { methods, messages }: Descriptions,
  random: Random,
  figures: Figures,
): Promise<void> {
  const all = methods.filter(({ path: each }) => !spared.includes(each));
  const method = all[Math.floor(random() * all.length)];
  if (method === undefined) return;
  const message = randomMessage({ methods, messages }, method.input, random);
  const body = random() < 0.3 ? damaged(message, random) : message;
  const error = await callOnce(caller, method, body);
  const code = error?.code ?? status.OK;
  figures.calls += 1;
  figures.byStatus.set(status[code], (figures.byStatus.get(status[code]) ?? 0) + 1);
  if (!unclear.includes(code) || figures.faults.length >= 20) return;
  figures.faults.push(
    `${caller.name}: ${method.path} ${body.toString('base64').slice(0, 200)}: ${status[code]} ${error?.details ?? ''}`,
  );
}

async function fuzz({ seconds, seed }: Options, dir: string) {
  const root = path.resolve(__dirname, '..');
  const descriptions = readDescriptions(root, dir);
  await using plane = await ProbedControlPlane.start(dir, __dirname);
  const callers = await openCallers(plane);
  const figures: Figures = { calls: 0, byStatus: new Map(), faults: [] };
  const random = seeded(seed);
  const until = async (endMs: number): Promise<void> => {
    const one = async (): Promise<void> => {
      while (performance.now() < endMs) {
        for (const caller of callers) await fuzzOnce(caller, descriptions, random, figures);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, one));
  };
  // What it makes once, and keeps, is not what it keeps of each call.
  await until(performance.now() + Math.min(10_000, (seconds * 1000) / 4));
  const before = await plane.heapBytes();
  await until(performance.now() + seconds * 1000);
  const after = await plane.heapBytes();
  for (const { client } of callers) client.close();
  const log = await readFile(path.join(dir, 'control-plane.log'), 'utf8');
  const bugs = log.split('\n').filter((line) => line.includes('"msg":"bug"') || line.includes('"level":60'));
  return {
    ...figures,
    byStatus: Object.fromEntries(figures.byStatus),
    heapGrowthBytes: after - before,
    bugs: bugs.slice(0, 10),
  };
}

async function main(): Promise<void> {
  const options = new Command('fuzz:rpc')
    .description('calls of both ports, as nobody, viewer, admin and node, with messages made from the proto files')
    .option('--seconds <number>', 'how long', wholeNumber, 60)
    .option('--seed <number>', 'of the messages', wholeNumber, 1)
    .option('--json', 'print one JSON document')
    .parse()
    .opts<Options>();
  const dir = await mkdtemp(path.join(tmpdir(), 'lockstep-fuzz-'));
  try {
    const figures = await fuzz(options, dir);
    const isGood = figures.faults.length === 0 && figures.bugs.length === 0 && figures.heapGrowthBytes < mayGrowBytes;
    process.stdout.write(`${JSON.stringify({ ...figures, good: isGood }, undefined, options.json === true ? 0 : 2)}\n`);
    process.exitCode = isGood ? 0 : 1;
  } finally {
    await rm(dir, { recursive: true });
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
