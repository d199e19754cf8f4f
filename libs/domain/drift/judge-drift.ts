// SPDX-License-Identifier: GPL-2.0-only
import type { ModuleName, NodeStatus, Seq, Sha256 } from '@lockstep/domain/livepatch-model';
import { stackAt, type LogEntry } from '@lockstep/domain/load-order';

/** A livepatch as a node's kernel shows it. */
export interface ShownModule {
  readonly module: ModuleName;
  readonly enabled: boolean;
  /** Of the bytes that its agent loaded; undefined where it did not, or does not know. */
  readonly artifact: Sha256 | undefined;
}

/** What a node says last. */
export interface ShownNode {
  readonly status: NodeStatus;
  readonly position: Seq;
  readonly target: Seq;
  /** Bottom first. */
  readonly stack: readonly ShownModule[];
}

/** How a kernel differs from the stack of its node's position. At least one of these is not empty, or `isOutOfOrder`. */
export interface NodeDrift {
  /** No entry loads them. */
  readonly foreign: readonly ModuleName[];
  /** Entries of the stack that the kernel does not hold, or holds disabled. */
  readonly missing: readonly ModuleName[];
  /** Entries that are not in the stack, and that the kernel still holds. */
  readonly surplus: readonly ModuleName[];
  /** It holds them all, and no others, in another order. */
  readonly isOutOfOrder: boolean;
}

/** What nodes of one load order should hold; each answer is found once, for many nodes ask the same. */
export class ExpectedModules {
  private readonly stacks = new Map<Seq, readonly ModuleName[]>();
  private readonly accepted = new Map<Seq, ReadonlySet<ModuleName>>();

  /** @param entries of its load order */
  constructor(private readonly entries: readonly LogEntry[]) {}

  get head(): number {
    return this.entries.length;
  }

  /** Bottom first. */
  at(position: Seq): readonly ModuleName[] {
    const known = this.stacks.get(position);
    if (known !== undefined) return known;
    const stack = stackAt(this.entries, position).map(({ body }) => body.artifact.moduleName);
    this.stacks.set(position, stack);
    return stack;
  }

  /** All that entries up to this target load. */
  acceptedUpTo(target: Seq): ReadonlySet<ModuleName> {
    const known = this.accepted.get(target);
    if (known !== undefined) return known;
    const bodies = this.entries.slice(0, target).map(({ body }) => body);
    const accepted = new Set(bodies.flatMap((body) => (body.kind === 'load' ? [body.artifact.moduleName] : [])));
    this.accepted.set(target, accepted);
    return accepted;
  }
}

/** By name; of one that its agent calls diverged, also what it has not loaded itself: a name can be stolen. */
function foreignOf({ status, stack, target }: ShownNode, expected: ExpectedModules): ModuleName[] {
  if (stack.length === 0) return [];
  const accepted = expected.acceptedUpTo(target);
  return stack
    .filter(({ module, artifact }) => !accepted.has(module) || (status === 'diverged' && artifact === undefined))
    .map(({ module }) => module);
}

/**
 * How a node has left its position; undefined where it has not. One that is on its way to a later position is between two
 * stacks: of it only what is foreign counts.
 * @param expected of its load order, at least up to its target
 */
export function judgeDrift(shown: ShownNode, expected: ExpectedModules): NodeDrift | undefined {
  const foreign = foreignOf(shown, expected);
  const { position, target, stack } = shown;
  const isMoving = target > position;
  const wanted = isMoving ? [] : expected.at(position);
  const held = stack.filter(({ enabled, module }) => enabled && !foreign.includes(module)).map(({ module }) => module);
  const missing = wanted.filter((module) => !held.includes(module));
  const surplus = isMoving ? [] : held.filter((module) => !wanted.includes(module));
  const isSame = missing.length === 0 && surplus.length === 0;
  const isOutOfOrder = !isMoving && isSame && held.some((module, place) => module !== wanted[place]);
  if (foreign.length === 0 && isSame && !isOutOfOrder) return undefined;
  return { foreign, missing, surplus, isOutOfOrder };
}

/** In words, with what to do. */
export function explainDrift(node: string, { foreign, missing, surplus, isOutOfOrder }: NodeDrift): string {
  const told: string[] = [];
  if (foreign.length > 0) {
    told.push(`holds ${foreign.join(', ')}, which no entry loads: \`lockstep drift repair ${node}\` has that unloaded`);
  }
  if (missing.length > 0) told.push(`does not hold ${missing.join(', ')}`);
  if (surplus.length > 0) told.push(`still holds ${surplus.join(', ')}, which is not in its stack`);
  if (isOutOfOrder) told.push('holds its stack in another order');
  const itself =
    foreign.length > 0
      ? 'It changes nothing while that is there.'
      : `Its agent mends that by itself, or says why not: \`lockstep node show ${node}\`.`;
  return `${node} ${told.join('; ')}. ${itself}`;
}
