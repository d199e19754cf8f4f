// SPDX-License-Identifier: GPL-2.0-only
import { conflictsWith, type Conflict } from '@lockstep/domain/conflicts';
import {
  LockstepError,
  parseSeq,
  showFunction,
  staysLoadedFor,
  type Seq,
  type Sha256,
} from '@lockstep/domain/livepatch-model';
import {
  firstPreviousHash,
  type EntryBody,
  type HashedEntry,
  type LoadBody,
  type LogName,
  type RetireBody,
  type UnsignedEntry,
} from './log-entry';
import { stackAt, stackOwners, type Stack } from './stack';

/** Why an entry may not follow a log. */
export type EntryRefusal =
  | {
      readonly reason: 'unforced-conflict';
      readonly conflicts: readonly Conflict<Seq>[];
      readonly unnamed: readonly Seq[];
    }
  /** A `replace` load would drop entries that it neither contains nor names. */
  | { readonly reason: 'unforced-replace'; readonly dropped: readonly Seq[] }
  | { readonly reason: 'needless-override'; readonly needless: readonly Seq[] }
  | { readonly reason: 'wrong-kernel-build' }
  | { readonly reason: 'already-loaded'; readonly by: Seq }
  | { readonly reason: 'built-onto-missing'; readonly missing: readonly Seq[] }
  | { readonly reason: 'not-in-stack'; readonly seq: Seq }
  | { readonly reason: 'built-upon'; readonly by: readonly Seq[] }
  /** To take it out, those above must be unloaded and loaded again: these cannot. */
  | { readonly reason: 'below-staying'; readonly above: readonly Seq[] };

/** The head of a log: what the next entry must follow. */
export function nextSeq(entries: readonly UnsignedEntry[]): Seq {
  return parseSeq(entries.length + 1);
}

export function headHash(entries: readonly HashedEntry[]): Sha256 {
  return entries.at(-1)?.hash ?? firstPreviousHash;
}

/** A `replace` load takes every entry's place; these it does not contain, so their changes would be gone. */
export function droppedBy(stack: Stack<UnsignedEntry>, builtOnto: readonly Seq[]): Seq[] {
  return stack.map(({ seq }) => seq).filter((seq) => !builtOnto.includes(seq));
}

function refuseLoad(log: LogName, stack: Stack<UnsignedEntry>, body: LoadBody): EntryRefusal | undefined {
  const { artifact, overrides, builtOnto } = body;
  if (artifact.kernelBuild !== log.kernelBuild) return { reason: 'wrong-kernel-build' };
  const same = stack.find((entry) => entry.body.artifact.moduleName === artifact.moduleName);
  if (same !== undefined) return { reason: 'already-loaded', by: same.seq };
  const inStack = new Set(stack.map((entry) => entry.seq));
  const missing = builtOnto.filter((seq) => !inStack.has(seq));
  if (missing.length > 0) return { reason: 'built-onto-missing', missing };
  const conflicts = conflictsWith(artifact.functions, stackOwners(stack));
  const victims = artifact.replace
    ? new Set(droppedBy(stack, builtOnto))
    : new Set(conflicts.map((conflict) => conflict.owner));
  const unnamed = [...victims].filter((seq) => !overrides.includes(seq)).sort((a, b) => a - b);
  if (unnamed.length > 0) {
    return artifact.replace
      ? { reason: 'unforced-replace', dropped: unnamed }
      : { reason: 'unforced-conflict', conflicts, unnamed };
  }
  const needless = overrides.filter((seq) => !victims.has(seq));
  return needless.length > 0 ? { reason: 'needless-override', needless } : undefined;
}

function refuseRetire(stack: Stack<UnsignedEntry>, body: RetireBody): EntryRefusal | undefined {
  if (!stack.some((entry) => entry.seq === body.retires)) return { reason: 'not-in-stack', seq: body.retires };
  const by = stack.filter((entry) => entry.body.builtOnto.includes(body.retires)).map((entry) => entry.seq);
  if (by.length > 0) return { reason: 'built-upon', by };
  const above = stack
    .filter(({ seq, body: { artifact } }) => seq > body.retires && staysLoadedFor(artifact.caveats).length > 0)
    .map(({ seq }) => seq);
  return above.length > 0 ? { reason: 'below-staying', above } : undefined;
}

/** Why `body` may not be appended after `entries`, if so. The same rules hold for who appends and who accepts. */
export function refuseBody(log: LogName, entries: readonly UnsignedEntry[], body: EntryBody): EntryRefusal | undefined {
  const stack = stackAt(entries, parseSeq(entries.length));
  switch (body.kind) {
    case 'load':
      return refuseLoad(log, stack, body);
    case 'retire':
      return refuseRetire(stack, body);
    case 'rotate':
      return undefined;
  }
}

const seqList = (seqs: readonly Seq[]): string => seqs.map((seq) => `#${seq}`).join(', ');

const overrideFlags = (seqs: readonly Seq[], stack: Stack<UnsignedEntry>): string =>
  seqs.map((seq) => `--override ${stack.find((entry) => entry.seq === seq)?.body.artifact.patchName ?? seq}`).join(' ');

/** Says a refusal in words, naming functions and patches, and what to do. */
export function explainRefusal(refusal: EntryRefusal, stack: Stack<UnsignedEntry>): string {
  const patchAt = (seq: Seq): string => {
    const name = stack.find((entry) => entry.seq === seq)?.body.artifact.patchName;
    return name === undefined ? `#${seq}` : `${name} (#${seq})`;
  };
  switch (refusal.reason) {
    case 'unforced-conflict': {
      const list = refusal.conflicts.map((c) => `${showFunction(c.function)} is owned by ${patchAt(c.owner)}`);
      return (
        `Conflict: ${list.join('; ')}. Three ways out: build it on top of the stack (patch submit --onto ` +
        `${stack.at(-1)?.seq ?? 0}), name what it may shadow (${overrideFlags(refusal.unnamed, stack)}), or make one ` +
        'cumulative patch of them (patch combine).'
      );
    }
    case 'unforced-replace':
      return (
        `It takes the place of the whole stack and does not contain ${refusal.dropped.map(patchAt).join(', ')}: ` +
        `combine that too, or drop it on purpose (${overrideFlags(refusal.dropped, stack)}).`
      );
    case 'needless-override':
      return `It does not conflict with ${refusal.needless.map(patchAt).join(', ')}: leave that override out.`;
    case 'wrong-kernel-build':
      return 'The artifact was built for another kernel build: build the patch for this one.';
    case 'already-loaded':
      return `The same module is in the stack already, as ${patchAt(refusal.by)}: retire that first.`;
    case 'built-onto-missing':
      return `It was built onto ${seqList(refusal.missing)}, which the stack does not hold: build it again.`;
    case 'not-in-stack':
      return `Entry #${refusal.seq} is not in the stack: only a load entry that is in effect can be retired.`;
    case 'built-upon':
      return `${refusal.by.map(patchAt).join(', ')} was built onto it: retire that first.`;
    case 'below-staying':
      return (
        `${refusal.above.map(patchAt).join(', ')} lies above it and cannot be unloaded and loaded again, for its code may ` +
        'be called after it is disabled: retire that first, or combine what is to stay under a new name (patch combine), ' +
        'which takes the place of all.'
      );
  }
}

/** The entry that would append `body`, not yet hashed. @throws LockstepError `refused` with the refusal's reason. */
export function proposeEntry(log: LogName, entries: readonly HashedEntry[], body: EntryBody): UnsignedEntry {
  const refusal = refuseBody(log, entries, body);
  if (refusal !== undefined) {
    const stack = stackAt(entries, parseSeq(entries.length));
    throw new LockstepError('refused', refusal.reason, explainRefusal(refusal, stack), {
      cluster: log.cluster,
      kernelBuild: log.kernelBuild,
      ...(refusal.reason === 'unforced-conflict'
        ? {
            functions: refusal.conflicts.map((conflict) => showFunction(conflict.function)),
            owners: refusal.conflicts.map((conflict) => String(conflict.owner)),
          }
        : {}),
      ...(refusal.reason === 'unforced-replace' ? { dropped: refusal.dropped.map(String) } : {}),
    });
  }
  const { cluster, kernelBuild } = log;
  return { cluster, kernelBuild, seq: nextSeq(entries), previousHash: headHash(entries), body };
}
