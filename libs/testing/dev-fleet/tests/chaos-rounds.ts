// SPDX-License-Identifier: GPL-2.0-only
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { BuildStatus, RolloutStatus, type LogEntry } from '@lockstep/contracts/generated';
import type { DevFleet } from '../dev-fleet';
import { exampleDiff, letters } from '../example-patches';
import { auditedLog, journalFaults, kernelFaults, orderDivergence } from '../fleet-audit';
import { patientOperator } from '../patient-operator';
import { seededRandom, type SeededRandom } from '@lockstep/testing/seeded-random';

/** So many patches in the stack at once; above it a round retires one. */
const tallestStack = 5;
/** How often a load is of a new patch; the others load again what was retired. */
const newPatchChance = 0.5;
const retireChance = 0.3;
/** Each round gets its chance however slow the machine: what dies for ever never ends. */
const mostKillsARound = 2;
const longestCalmMs = 1_200;
const longestAbsenceMs = 250;

export interface ChaosResult {
  readonly rounds: number;
  readonly kills: Readonly<Record<'control-plane' | 'build-worker' | 'agent', number>>;
  readonly entries: number;
  readonly built: number;
}

const everyVictim = ['control-plane', 'control-plane', 'build-worker', 'agent', 'agent', 'reboot'] as const;
type Victim = (typeof everyVictim)[number];

interface Killer {
  readonly random: SeededRandom;
  readonly victims: Victims;
}

type Kills = Record<'control-plane' | 'build-worker' | 'agent', number>;

/** Who is killed next: dealt like cards, so that everybody's turn comes within a few rounds. */
class Victims {
  private deck: Victim[] = [];

  constructor(private readonly random: SeededRandom) {}

  next(): Victim {
    if (this.deck.length === 0) this.deck = [...everyVictim];
    return this.deck.splice(this.random.below(this.deck.length), 1)[0]!;
  }
}

/** kill -9 and a new start, at random moments. Everything runs again when it returns. */
async function killAtRandom(fleet: DevFleet, killer: Killer, kills: Kills, done: AbortSignal): Promise<void> {
  const { random, victims } = killer;
  // Asked through a function, so that the compiler does not believe that it never changes.
  const isOver = (): boolean => done.aborted;
  for (let count = 0; count < mostKillsARound; count += 1) {
    await sleep(random.below(longestCalmMs));
    if (isOver()) return;
    const absenceMs = random.below(longestAbsenceMs);
    const victim = victims.next();
    diary(fleet, `kill: ${victim}, for ${absenceMs} ms`);
    switch (victim) {
      case 'control-plane':
        kills['control-plane'] += 1;
        await fleet.server.process.kill();
        await sleep(absenceMs);
        await fleet.server.start();
        break;
      case 'build-worker':
        kills['build-worker'] += 1;
        await fleet.worker.kill();
        await sleep(absenceMs);
        fleet.worker.start();
        break;
      case 'agent': {
        kills.agent += 1;
        const { agent } = random.pick(fleet.nodes);
        await agent.kill();
        await sleep(absenceMs);
        agent.start();
        break;
      }
      case 'reboot':
        kills.agent += 1;
        await random.pick(fleet.nodes).reboot();
        break;
    }
  }
}

/** Beside the services' logs, for whoever has to find out what happened when. */
function diary({ folder }: DevFleet, line: string): void {
  appendFileSync(path.join(folder, 'chaos.log'), `${new Date().toISOString()} ${line}\n`);
}

/** The stack of the head, bottom first. */
function stackOf(entries: readonly LogEntry[]): LogEntry[] {
  const retired = new Set(entries.flatMap(({ body }) => (body?.$case === 'retire' ? [body.value.retires] : [])));
  return entries.filter(({ seq, body }) => body?.$case === 'load' && !retired.has(seq));
}

const patchNameOf = ({ body }: LogEntry): string =>
  body?.$case === 'load' ? (body.value.artifact?.patchName ?? '') : '';

/** Watches the kernels all the time: at no moment may two of them hold two patches in different orders. */
async function watchOrder(fleet: DevFleet, found: Set<string>, done: AbortSignal): Promise<void> {
  const isOver = (): boolean => done.aborted;
  while (!isOver()) {
    const stacks = new Map<string, Awaited<ReturnType<(typeof fleet.nodes)[number]['holds']>>>();
    for (const node of fleet.nodes) stacks.set(node.name, await node.holds());
    for (const divergence of orderDivergence(stacks)) found.add(divergence);
    await sleep(20);
  }
}

class Chaos {
  private readonly operator;
  private readonly acknowledged: LogEntry[] = [];
  private readonly built: string[] = [];

  constructor(
    private readonly fleet: DevFleet,
    private readonly random: SeededRandom,
  ) {
    this.operator = patientOperator(fleet);
  }

  get builtCount(): number {
    return this.built.length;
  }

  /** Appends one entry of some kind, rolls it out, and checks that nothing is lost and no node differs. */
  async round(number: number): Promise<void> {
    this.acknowledged.push(await this.appendSomething(number));
    const rollout = await this.operator.rollOut();
    if (rollout.status !== RolloutStatus.ROLLOUT_STATUS_SUCCEEDED) {
      throw new Error(`round ${number}: the rollout did not succeed: ${JSON.stringify(rollout, undefined, 1)}`);
    }
  }

  /** At rest: the log is whole, holds each acknowledged entry, every node knows it and holds its stack. */
  async check(number: number): Promise<number> {
    const entries = await auditedLog(this.fleet);
    const lost = this.acknowledged.filter(({ seq, hash }) => entries[seq - 1]?.hash !== hash);
    if (lost.length > 0)
      throw new Error(`round ${number}: entries lost: ${lost.map(({ seq }) => `#${seq}`).join(' ')}`);
    if (entries.length !== this.acknowledged.length) throw new Error(`round ${number}: ${entries.length} entries`);
    const faults = [...(await kernelFaults(this.fleet, entries)), ...(await journalFaults(this.fleet, entries))];
    if (faults.length > 0) throw new Error(`round ${number}: ${faults.join('; ')}`);
    return entries.length;
  }

  private async appendSomething(number: number): Promise<LogEntry> {
    const stack = stackOf(await this.operator.entries());
    const mustRetire = stack.length >= tallestStack;
    if (stack.length > 0 && (mustRetire || this.random.chance(retireChance))) {
      return this.operator.retire(this.random.pick(stack).seq);
    }
    const loaded = new Set(stack.map(patchNameOf));
    const idle = this.built.filter((name) => !loaded.has(name));
    if (idle.length > 0 && !this.random.chance(newPatchChance)) return this.operator.appendOver(this.random.pick(idle));
    return this.operator.appendOver(await this.buildSomething(number));
  }

  private async buildSomething(number: number): Promise<string> {
    const name = `round-${number}`;
    const changed = letters.filter(() => this.random.chance(0.5));
    const diff = exampleDiff(this.fleet.release, changed.length > 0 ? changed : ['a'], `x${number}`);
    const build = await this.operator.submit(name, diff);
    if (build.status !== BuildStatus.BUILD_STATUS_SUCCEEDED) {
      throw new Error(`round ${number}: the build failed: ${JSON.stringify(build.failure)}`);
    }
    this.built.push(name);
    return name;
  }
}

/** So many rounds of append and rollout while everything is killed at random moments. Throws at the first wrong thing. */
export async function runChaos(fleet: DevFleet, rounds: number, seed: number): Promise<ChaosResult> {
  const random = seededRandom(seed);
  // The killer has randomness of its own: how often it draws depends on timing, the rounds must not.
  const itsRandom = seededRandom(seed ^ 0x5eed);
  const killer = { random: itsRandom, victims: new Victims(itsRandom) };
  const kills: Kills = { 'control-plane': 0, 'build-worker': 0, agent: 0 };
  const chaos = new Chaos(fleet, random);
  const divergences = new Set<string>();
  const end = new AbortController();
  const watching = watchOrder(fleet, divergences, end.signal);
  let entries = 0;
  try {
    for (let number = 1; number <= rounds; number += 1) {
      const startedAt = Date.now();
      const over = new AbortController();
      const killing = killAtRandom(fleet, killer, kills, over.signal);
      try {
        await chaos.round(number);
      } finally {
        over.abort();
        await killing;
      }
      // The last kill may have come after the rollout's end: agents come back to what they held.
      await fleet.settled();
      entries = await chaos.check(number);
      diary(fleet, `round ${number}: ${Date.now() - startedAt} ms, kills so far ${JSON.stringify(kills)}`);
    }
  } finally {
    end.abort();
    await watching;
  }
  if (divergences.size > 0) throw new Error(`orders diverged: ${[...divergences].join('; ')}`);
  return { rounds, kills, entries, built: chaos.builtCount };
}
