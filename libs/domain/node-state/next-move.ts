// SPDX-License-Identifier: GPL-2.0-only
import {
  holdsEntry,
  isLoad,
  stackAt,
  stepsTo,
  type HeldModule,
  type LogEntry,
  type Stack,
  type StackStep,
} from '@lockstep/domain/load-order';
import {
  functionKey,
  parseSeq,
  type ModuleName,
  type PatchedFunction,
  type Seq,
} from '@lockstep/domain/livepatch-model';
import { goalOf } from './crash-guard';
import type { Job, Known, TransitionPolicy } from './node-state';
import type { Observation, ObservedPatch } from './observation';

export type NextMove =
  | { readonly kind: 'nothing' }
  /** There is something to do, but the agent is told only to look. */
  | { readonly kind: 'held' }
  | { readonly kind: 'hands-off'; readonly foreign: readonly ModuleName[] }
  | { readonly kind: 'job'; readonly job: Job };

const keysOf = (functions: readonly PatchedFunction[]): Set<string> => new Set(functions.map(functionKey));

const contains = (whole: ReadonlySet<string>, part: ReadonlySet<string>): boolean =>
  [...part].every((key) => whole.has(key));

/** Is this what loading `entry` makes? While it takes other patches' place, the kernel shows their functions with it. */
function isMadeBy(patch: ObservedPatch, entry: LogEntry): boolean {
  if (!isLoad(entry) || entry.body.artifact.moduleName !== patch.module) return false;
  const seen = keysOf(patch.functions);
  const signed = keysOf(entry.body.artifact.functions);
  return contains(seen, signed) && (patch.transition || seen.size === signed.size);
}

/**
 * Livepatches that no accepted entry explains: loaded by hand, before their turn, or under a stolen name.
 * Entries above the target count for nothing, because the agent records a target before it acts on it.
 */
export function foreignPatches({ entries, target }: Known, patches: readonly ObservedPatch[]): ModuleName[] {
  const accepted = entries.slice(0, target);
  return patches.filter((patch) => !accepted.some((entry) => isMadeBy(patch, entry))).map((patch) => patch.module);
}

const namesOf = (stack: Stack): ModuleName[] => stack.map((entry) => entry.body.artifact.moduleName);

/**
 * What the kernel holds. Of a module that this boot's loads name, the last of them says which bytes it is; of one from
 * before loads were recorded, the log does where it knows only one of that name.
 */
export function heldModules({ entries, target, loads, boot }: Known, patches: readonly ObservedPatch[]): HeldModule[] {
  return patches.map(({ module }) => {
    const named = entries.filter(isLoad).filter(({ body }) => body.artifact.moduleName === module);
    const inserted = loads.findLast(
      ({ seq, bootId }) => bootId === boot.bootId && named.some((entry) => entry.seq === seq),
    );
    if (inserted !== undefined) {
      return { module, artifact: named.find(({ seq }) => seq === inserted.seq)?.body.artifact.sha256 };
    }
    const possible = new Set(named.filter(({ seq }) => seq <= target).map(({ body }) => body.artifact.sha256));
    const [only] = possible;
    return { module, artifact: possible.size === 1 ? only : undefined };
  });
}

const isExactly = (held: readonly HeldModule[], stack: Stack): boolean =>
  held.length === stack.length && stack.every((entry, i) => holdsEntry(held[i], entry));

/** The highest position up to the target whose stack is exactly what the kernel holds; never below the one known. */
export function positionReached(known: Known, { patches }: Observation): Seq {
  const { entries, target, position } = known;
  if (patches.some((patch) => patch.transition)) return position;
  const held = heldModules(known, patches);
  for (let seq: number = target; seq > position; seq -= 1) {
    if (isExactly(held, stackAt(entries, parseSeq(seq)))) return parseSeq(seq);
  }
  return position;
}

/** The word of the newest accepted entry that loads the module: one whose limit proved wrong can be retired and added again. */
function policyOf(module: ModuleName, { entries, target }: Known): TransitionPolicy {
  const accepted = entries.slice(0, target).filter(isLoad);
  const newest = accepted.findLast(({ body }) => body.artifact.moduleName === module);
  const { transitionTimeoutMs, mayInterrupt } = newest?.body ?? {};
  return { transitionTimeoutMs, mayInterrupt };
}

function jobFor(step: StackStep, known: Known): Job {
  if (step.kind === 'unload') return { ...step, ...policyOf(step.module, known) };
  const { entries } = known;
  const { entry, replaces } = step;
  const overrides = new Set(entry.body.overrides);
  const mayShadow = namesOf(entries.filter(isLoad).filter((other) => overrides.has(other.seq)));
  return { kind: 'load', entry, mayShadow, replaces };
}

/** The next thing to do on the way from what the kernel holds to the stack of the target, or of what it may load of it. */
export function nextMove(known: Known, seen: Observation): NextMove {
  const move = moveTowards(goalOf(known), known, seen);
  return move.kind === 'job' && seen.hold !== undefined ? { kind: 'held' } : move;
}

function moveTowards(goal: Seq, known: Known, { patches, artifacts }: Observation): NextMove {
  const foreign = foreignPatches(known, patches);
  // All of them, or it stays diverged all the same; the topmost first, as stacks are taken down.
  const isDisowned = foreign.every((module) => known.disowned.includes(module));
  const top = foreign.at(-1);
  if (top !== undefined && isDisowned) return { kind: 'job', job: { kind: 'unload', module: top } };
  if (top !== undefined) return { kind: 'hands-off', foreign };
  const switching = patches.find((patch) => patch.transition);
  if (switching !== undefined) {
    const { module } = switching;
    return { kind: 'job', job: { kind: 'settle', module, ...policyOf(module, known) } };
  }
  const steps = stepsTo(heldModules(known, patches), stackAt(known.entries, goal));
  const [first] = steps;
  if (first === undefined) return { kind: 'nothing' };
  // Nothing is taken down before all that comes in its place is here; what only adds goes as far as it can.
  const needed = first.kind === 'unload' ? steps : [first];
  const missing = needed
    .flatMap((step) => (step.kind === 'load' ? [step.entry.body.artifact] : []))
    .find((artifact) => !artifacts.has(artifact.sha256));
  if (missing !== undefined) return { kind: 'job', job: { kind: 'fetch', artifact: missing } };
  return { kind: 'job', job: jobFor(first, known) };
}

/** What tells one job from another. */
export function jobKey(job: Job): string {
  switch (job.kind) {
    case 'fetch':
      return `fetch ${job.artifact.sha256}`;
    case 'load':
      return `load ${job.entry.seq}`;
    case 'unload':
    case 'settle':
      return `${job.kind} ${job.module}`;
  }
}
