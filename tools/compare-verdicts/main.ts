// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Command } from 'commander';
import { describeReason, diffObjects, type ObjectPair } from '@lockstep/domain/object-diff';
import { CreateDiffObject } from '../bench-diff/peer';
import { verdictOf, type Verdict } from '../mutation-test/verdict';
import { ScratchDirectory } from '../scratch-directory/scratch-directory';
import { agreementOf, type Agreement } from './agreement';
import { findPairs, ignoredByPeer, layoutsOf, type UnitPair } from './pairs';

interface Options {
  readonly against: string;
  readonly objects: string;
  readonly json?: boolean;
}

interface Row extends Agreement {
  readonly name: string;
  /** Where they differ: what is known of why. */
  readonly why: readonly string[];
}

/** Far more than it needs for any unit object. */
const peerLimitSeconds = 120;

async function comparePair(pair: UnitPair, program: string, dir: string): Promise<Row> {
  const peer = await CreateDiffObject.forObject(program, pair.original, pair.sizes, dir);
  const theirs = await peer.compare(pair.original, pair.patched, peerLimitSeconds);
  const inputs = inputsOf(pair);
  const ours = verdictOf(inputs.original, inputs.patched, inputs.objectPath, inputs.tables, false);
  const agreement = agreementOf(ours, theirs);
  return { name: pair.name, ...agreement, why: agreement.agrees ? [] : [...hints(pair), ...reasonsOf(inputs, ours)] };
}

function inputsOf(pair: UnitPair): ObjectPair {
  const original = new Uint8Array(readFileSync(pair.original));
  const patched = new Uint8Array(readFileSync(pair.patched));
  return { original, patched, objectPath: `${pair.name}.o`, tables: layoutsOf(pair, original) };
}

const hints = (pair: UnitPair) =>
  ignoredByPeer(pair).map((section) => `${section} tells the peer to overlook what it lists`);

/** Why each function counts as changed for Lockstep. */
function reasonsOf(inputs: ObjectPair, { kind }: Verdict): string[] {
  if (kind === 'refused') return [];
  return diffObjects(inputs).functions.map(
    ({ symbol, reasons }) => `${symbol.name}: ${reasons.slice(0, 1).map(describeReason).join()}`,
  );
}

async function main({ against, objects, json }: Options): Promise<void> {
  using scratch = ScratchDirectory.create('verdicts');
  const rows: Row[] = [];
  for (const pair of findPairs(path.resolve(objects))) rows.push(await comparePair(pair, against, scratch.path));
  const agreeing = rows.filter(({ agrees }) => agrees).length;
  if (json === true) {
    console.log(JSON.stringify({ pairs: rows.length, agreeing, rows }, null, 2));
    return;
  }
  for (const { name, agrees, ours, theirs, why } of rows) {
    if (agrees) console.log(`${name}: both say ${ours}`);
    else console.log([`${name}: DIFFERS`, `Lockstep: ${ours}`, `the peer: ${theirs}`, ...why].join('\n  '));
  }
  console.log(`${agreeing} of ${rows.length} pairs: the same verdict and the same functions`);
}

const options = new Command('compare:verdicts')
  .description('compare what the differ and create-diff-object say of pairs of objects')
  .requiredOption('--against <file>', 'create-diff-object')
  .requiredOption('--objects <dir>', 'NAME.ORIG.o and NAME.PATCHED.o, with a Makefile that names struct sizes')
  .option('--json', 'print one JSON document')
  .parse()
  .opts<Options>();
main(options).catch((error: unknown) => {
  process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
