// SPDX-License-Identifier: GPL-2.0-only
import { isLoad, stackAt, stepsTo, type LogEntry, type Stack, type StackStep } from '@lockstep/domain/load-order';
import {
  functionKey,
  parseSeq,
  type ModuleName,
  type PatchedFunction,
  type Seq,
} from '@lockstep/domain/livepatch-model';
import type { Job, Known, TransitionPolicy } from './node-state';
import type { Observation, ObservedPatch } from './observation';

export type NextMove =
  | { readonly kind: 'nothing' }
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

const same = (a: readonly ModuleName[], b: readonly ModuleName[]): boolean =>
  a.length === b.length && a.every((name, i) => name === b[i]);

/** The highest position up to the target whose stack is exactly what the kernel holds; never below the one known. */
export function positionReached({ entries, target, position }: Known, { patches }: Observation): Seq {
  if (patches.some((patch) => patch.transition)) return position;
  const held = patches.map((patch) => patch.module);
  for (let seq: number = target; seq > position; seq -= 1) {
    if (same(namesOf(stackAt(entries, parseSeq(seq))), held)) return parseSeq(seq);
  }
  return position;
}

/** The word of the newest accepted entry that loads the module: one whose limit proved wrong can be retired and added again. */
function policyOf(module: ModuleName, { entries, target }: Known): TransitionPolicy {
  const accepted = entries.slice(0, target).filter(isLoad);
  const newest = accepted.findLast(({ body }) => body.artifact.moduleName === module);
  return { transitionTimeoutMs: newest?.body.transitionTimeoutMs };
}

function jobFor(step: StackStep, known: Known): Job {
  if (step.kind === 'unload') return { ...step, ...policyOf(step.module, known) };
  const { entries } = known;
  const { entry, replaces } = step;
  const overrides = new Set(entry.body.overrides);
  const mayShadow = namesOf(entries.filter(isLoad).filter((other) => overrides.has(other.seq)));
  return { kind: 'load', entry, mayShadow, replaces };
}

/** The next thing to do on the way from what the kernel holds to the target's stack. */
export function nextMove(known: Known, { patches, artifacts }: Observation): NextMove {
  const foreign = foreignPatches(known, patches);
  if (foreign.length > 0) return { kind: 'hands-off', foreign };
  const switching = patches.find((patch) => patch.transition);
  if (switching !== undefined) {
    const { module } = switching;
    return { kind: 'job', job: { kind: 'settle', module, ...policyOf(module, known) } };
  }
  const steps = stepsTo(
    patches.map((patch) => patch.module),
    stackAt(known.entries, known.target),
  );
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
