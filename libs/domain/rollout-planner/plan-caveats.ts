// SPDX-License-Identifier: GPL-2.0-only
import {
  staysLoadedFor,
  variablesUsedBy,
  type CaveatKind,
  type PatchName,
  type Seq,
} from '@lockstep/domain/livepatch-model';
import { isLoad, stackAt, type LoadEntry, type LogEntry, type Stack } from '@lockstep/domain/load-order';

/**
 * What an operator has to know of a way to a position, beside its waves. Of what is loaded, its own caveats;
 * - `kept`: what goes out of the stack is disabled, and its module stays in the kernel;
 * - `needs-boot`: such a module is to be loaded again, which a kernel that still has it refuses.
 * - `may-interrupt`: the entry allows that sleeping tasks are interrupted;
 * - `same-variable`: its callbacks use a variable that those of an entry below it use too, and what it sets is in effect.
 */
export interface PlanCaveat {
  readonly seq: Seq;
  readonly patchName: PatchName;
  readonly kind: CaveatKind | 'kept' | 'needs-boot' | 'may-interrupt' | 'same-variable';
  readonly message: string;
}

/** Of the ways from each of these positions to another, in order of seq. */
export function planCaveats(entries: readonly LogEntry[], positions: readonly Seq[], toSeq: Seq): PlanCaveat[] {
  const target = stackAt(entries, toSeq);
  const found = new Map<string, PlanCaveat>();
  for (const position of new Set(positions)) {
    const held = stackAt(entries, position);
    const all = [
      ...target
        .filter((entry) => !held.includes(entry))
        .flatMap((entry) => [...ofLoad(entry, entries), ...sharingVariables(entry, target)]),
      ...held.filter((entry) => !target.includes(entry)).flatMap(ofLeaving),
    ];
    for (const caveat of all) found.set(`${caveat.seq} ${caveat.kind} ${caveat.message}`, caveat);
  }
  return [...found.values()].sort((a, b) => a.seq - b.seq);
}

const interrupts =
  'from 15 s on tasks that sleep in what it changes are woken: calls that wait there end with EINTR, and programs without a handler for that may end';

function ofLoad({ seq, body: { artifact, mayInterrupt } }: LoadEntry, entries: readonly LogEntry[]): PlanCaveat[] {
  const { patchName, moduleName, caveats = [] } = artifact;
  const before = entries.filter(isLoad).find((other) => {
    const { moduleName: name, caveats: known } = other.body.artifact;
    return other.seq < seq && name === moduleName && staysLoadedFor(known).length > 0;
  });
  const own: PlanCaveat[] = caveats.map(({ kind, message }) => ({ seq, patchName, kind, message }));
  if (mayInterrupt === true) own.push({ seq, patchName, kind: 'may-interrupt', message: interrupts });
  if (before === undefined) return own;
  const message = `a host that has held #${before.seq} since it booted keeps that module and refuses this one: boot it first`;
  return [...own, { seq, patchName, kind: 'needs-boot', message }];
}

/** Callbacks own no function, so nothing refuses the second one: while both are loaded, it is as the upper one set it. */
function sharingVariables({ seq, body: { artifact } }: LoadEntry, stack: Stack): PlanCaveat[] {
  const mine = variablesUsedBy(artifact.caveats);
  return stack.flatMap((below): PlanCaveat[] => {
    const shared = variablesUsedBy(below.body.artifact.caveats).filter((name) => mine.includes(name));
    if (below.seq >= seq || shared.length === 0) return [];
    const message =
      `${shared.join(', ')}: the callbacks of ${below.body.artifact.patchName} (#${below.seq}) use that too; while both are ` +
      'loaded, what this one sets is in effect, and retiring either one runs the callbacks of both';
    return [{ seq, patchName: artifact.patchName, kind: 'same-variable', message }];
  });
}

function ofLeaving({ seq, body: { artifact } }: LoadEntry): PlanCaveat[] {
  const { patchName, caveats } = artifact;
  const reasons = staysLoadedFor(caveats);
  if (reasons.length === 0) return [];
  const message = `nothing is unloaded: it is disabled, and its module stays until the host boots, for ${reasons.join('; ')}`;
  return [{ seq, patchName, kind: 'kept', message }];
}
