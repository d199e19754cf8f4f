// SPDX-License-Identifier: GPL-2.0-only
import { headHash, isLoad, type HeadRefusal, type SignedHead } from '@lockstep/domain/load-order';
import {
  parseSeq,
  staysLoadedFor,
  type KernelTrouble,
  type NodeStatus,
  type Obstacle,
  type Seq,
  type Sha256,
} from '@lockstep/domain/livepatch-model';
import type { Quarantine } from './boot-history';
import { explainQuarantine, quarantineOf } from './crash-guard';
import { heldModules } from './next-move';
import type { NodeState, Setback } from './node-state';
import {
  serverAway,
  type KeptModule,
  type KernelConflict,
  type ObservedPatch,
  type Problem,
  type Transition,
} from './observation';

/** What a node tells about itself; the wire's NodeReport. */
export interface NodeView {
  readonly status: NodeStatus;
  readonly position: Seq;
  readonly target: Seq;
  readonly headSeq: Seq;
  readonly headHash: Sha256;
  /** Bottom first. `artifact` where it is one of the log's. */
  readonly stack: readonly (ObservedPatch & { readonly artifact?: Sha256 })[];
  /** What the patched core says, whatever the log says; empty on a stock core. */
  readonly kernelConflicts: readonly KernelConflict[];
  readonly lastTransition?: Transition | undefined;
  readonly problem?: Problem;
  /** Until when it is known that nothing of the log is withheld; absent where nobody has said so yet. */
  readonly signedHead?: Pick<SignedHead, 'seq' | 'issuedAtMs' | 'expiresAtMs'> | undefined;
  /** As recorded: of a log of which no head was ever told. */
  readonly followsSinceMs?: number | undefined;
  /** Why the last signed head was not taken. */
  readonly headRefusal?: HeadRefusal | undefined;
  /** Absent where nothing was looked at yet. */
  readonly obstacles?: readonly Obstacle[];
  /** What the kernel has complained about last in its log; absent if nothing. */
  readonly trouble?: KernelTrouble | undefined;
  /** The lowest entry in the way of the target; or the lowest that was released and is on trial. */
  readonly quarantine?: Quarantine | undefined;
  /** In no stack, and not to be loaded again before the next boot. */
  readonly kept?: readonly KeptModule[];
}

interface Verdict {
  readonly status: NodeStatus;
  readonly problem?: Problem;
}

/** What failed last, until something succeeds: while it is tried again, nothing is better yet. */
function setbackOf(state: NodeState): Setback | undefined {
  switch (state.phase) {
    case 'looking':
    case 'moving':
    case 'failed':
      return state.setback;
    case 'in-step':
    case 'held':
    case 'diverged':
      return undefined;
  }
}

const held = (by: string): Problem => ({
  reason: 'hold',
  message: `This agent only looks, because ${by} says so: it takes in what it is sent and changes nothing in the kernel.`,
});

/** The gravest first: what keeps a human busy longest hides what follows from it. */
function verdictOf(state: NodeState): Verdict {
  const { fork, unreadable, storage, position, target } = state.known;
  if (state.phase === 'diverged') {
    const names = state.foreign.join(', ');
    const message = `The kernel holds ${names}, which the load order does not explain. Nothing is changed until it is unloaded (echo 0 > /sys/kernel/livepatch/NAME/enabled; rmmod NAME).`;
    return { status: 'diverged', problem: { reason: 'foreign-livepatch', message } };
  }
  if (fork !== undefined) return { status: 'forked', problem: fork };
  const quarantine = quarantineOf(state.known);
  if (quarantine?.released === false) {
    const body = state.known.entries[quarantine.seq - 1]?.body;
    const name = body?.kind === 'load' ? body.artifact.patchName : '';
    return { status: 'quarantined', problem: { reason: 'quarantined', message: explainQuarantine(quarantine, name) } };
  }
  const problem = setbackOf(state)?.problem;
  if (problem !== undefined) {
    // A rollout halts at a failure: a control plane that comes back must not find that it halted its own rollout.
    return { status: problem.reason === serverAway ? 'moving' : 'failed', problem };
  }
  if (unreadable !== undefined) return { status: 'failed', problem: unreadable };
  if (storage !== undefined) return { status: 'failed', problem: storage };
  const hold = state.seen?.hold;
  return {
    status: state.phase === 'in-step' && position === target ? 'in-step' : 'moving',
    ...(hold === undefined ? {} : { problem: held(hold) }),
  };
}

function keptModules({ known, seen }: NodeState): KeptModule[] {
  const loads = known.entries.filter(isLoad).map(({ body }) => body.artifact);
  return (seen?.kept ?? []).map((module) => {
    const artifact = loads.findLast(({ moduleName }) => moduleName === module);
    return { module, reasons: staysLoadedFor(artifact?.caveats) };
  });
}

/** The report a state makes. */
export function viewOf(state: NodeState): NodeView {
  const { entries, position, target } = state.known;
  const patches = state.seen?.patches ?? [];
  const artifacts = new Map(heldModules(state.known, patches).map(({ module, artifact }) => [module, artifact]));
  const foreign = new Set(state.phase === 'diverged' ? state.foreign : []);
  return {
    ...verdictOf(state),
    position,
    target,
    headSeq: parseSeq(entries.length),
    headHash: headHash(entries),
    kernelConflicts: state.seen?.kernelConflicts ?? [],
    // The kernel forgets who was in the way of a transition that was taken back; the failure does not.
    lastTransition: setbackOf(state)?.problem.transition ?? state.seen?.lastTransition,
    quarantine: quarantineOf(state.known),
    obstacles: state.seen?.obstacles ?? [],
    ...(state.seen?.trouble && { trouble: state.seen.trouble }),
    kept: keptModules(state),
    signedHead: state.known.signedHead,
    followsSinceMs: state.known.followsSinceMs,
    headRefusal: state.known.headRefusal,
    stack: patches.map((patch) => {
      const artifact = foreign.has(patch.module) ? undefined : artifacts.get(patch.module);
      return artifact === undefined ? patch : { ...patch, artifact };
    }),
  };
}
