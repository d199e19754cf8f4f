// SPDX-License-Identifier: GPL-2.0-only
import { plainType, type Type, type TypeGraph } from './type-graph';

/**
 * How long objects of a type live, as far as one object file tells.
 * - `longer`: some outlive the function that made them: what old code made, new code reads.
 * - `stack`: they are variables of functions, and what gets a pointer to one is called by its owner, in its own task.
 * - `unknown`: only pointers to it are passed on here: others say.
 */
export type Lifetime = 'longer' | 'stack' | 'unknown';

/** Members by which others find an object that lies on a stack: it is on a list, or somebody waits for it. */
const links = new Set(
  [
    ...['hlist_node', 'hlist_nulls_node', 'hlist_bl_node', 'rb_node', 'llist_node', 'plist_node'],
    ...['callback_head', 'work_struct', 'timer_list', 'hrtimer', 'completion', 'wait_queue_entry', 'swait_queue'],
    ...['wait_queue_head', 'swait_queue_head', 'irq_work', '__call_single_data', 'hrtimer_sleeper'],
    ...['task_struct', 'kref', 'refcount_struct', 'kobject', 'mutex', 'spinlock'],
  ].map((name) => `struct ${name}`),
);

/** On a list, or the head of one: who is on a list is found by whoever walks it, who has one is not. */
const listOrHead = 'list_head';

/** What the uses of a type show. */
interface Evidence {
  /** Something that outlives functions has one or points at one. */
  isLasting: boolean;
  /** It has a list's head, or is on a list. */
  hasList: boolean;
  /** A function has one among its variables. */
  isOnStack: boolean;
  /** A function has a pointer to one that nobody gave it as such: it may be from anywhere. */
  isPointedAt: boolean;
}

/** By name of each wanted type. Linear in the graph. */
export function lifetimesOf(graph: TypeGraph, wanted: ReadonlySet<string>): Map<string, Lifetime> {
  const all = new Map<string, Evidence>();
  const of = (name: string): Evidence => {
    const known = all.get(name) ?? { isLasting: false, hasList: false, isOnStack: false, isPointedAt: false };
    all.set(name, known);
    return known;
  };
  const others = runForOthers(graph);
  for (const { kind, type, function: within } of graph.uses) {
    const { held, pointedAt } = reach(graph, type, wanted);
    const isKept = kind === 'static' || kind === 'return' || (kind === 'automatic' && others.has(within));
    for (const name of held) of(name)[kind === 'static' ? 'isLasting' : 'isOnStack'] = true;
    // A parameter may point at the caller's own variable.
    if (kind !== 'parameter') for (const name of pointedAt) of(name)[isKept ? 'isLasting' : 'isPointedAt'] = true;
  }
  const linked = new Map<number, boolean>();
  for (const [key, type] of graph.types) {
    if (type.kind !== 'struct' && type.kind !== 'union') continue;
    const own = nameOf(graph, key, type);
    if (own !== null && wanted.has(own) && holdsLink(graph, key, linked)) of(own).isLasting = true;
    for (const member of type.members) {
      const { held, pointedAt } = reach(graph, member.type, wanted);
      for (const name of pointedAt) of(name).isLasting = true;
      // What holds it is mostly wanted, too, for its own layout follows; else nobody here has it as such.
      for (const name of held) if (name !== own && !wanted.has(own ?? '')) of(name).isLasting = true;
      if (own === null || !wanted.has(own)) continue;
      const plain = plainType(graph, member.type);
      if (plain?.kind === 'struct' && plain.name === listOrHead) of(own).hasList = true;
    }
  }
  return new Map([...wanted].map((name) => [name, lifetimeFrom(of(name))]));
}

/** Whether others can find it by something that is in it, however deep: one entry of an array is enough (`poll_wqueues`). */
function holdsLink(graph: TypeGraph, key: number, known: Map<number, boolean>): boolean {
  const told = known.get(key);
  if (told !== undefined) return told;
  // No type holds itself, but in a damaged record.
  known.set(key, false);
  const type = plainType(graph, key);
  const found =
    type?.kind === 'array'
      ? holdsLink(graph, type.of, known)
      : (type?.kind === 'struct' || type?.kind === 'union') &&
        type.members.some(({ type: member }) => {
          const plain = plainType(graph, member);
          return (
            (plain?.kind === 'struct' && links.has(`struct ${plain.name ?? ''}`)) || holdsLink(graph, member, known)
          );
        });
  known.set(key, found);
  return found;
}

/**
 * Functions that are given `void *` and nothing else: what another processor, a stopper or a kernel thread runs for whoever
 * waits there, with its variable on its stack (`smp_call_function()`, `stop_machine()`, `work_on_cpu()`). One of the two may run
 * old code while the other runs new code; those that walk for their caller are given what they have found, too.
 */
function runForOthers(graph: TypeGraph): ReadonlySet<string | null> {
  const given = new Map<string, number[]>();
  for (const { kind, type, function: within } of graph.uses) {
    if (kind === 'parameter' && within !== null) given.set(within, [...(given.get(within) ?? []), type]);
  }
  const isAnything = (key: number): boolean => {
    const type = plainType(graph, key);
    return type?.kind === 'pointer' && plainType(graph, type.to) === undefined;
  };
  return new Set(
    [...given].flatMap(([name, [first = 0, ...more]]) => (more.length === 0 && isAnything(first) ? [name] : [])),
  );
}

function lifetimeFrom({ isLasting, hasList, isOnStack, isPointedAt }: Evidence): Lifetime {
  if (isLasting || (hasList && isPointedAt)) return 'longer';
  if (isOnStack) return 'stack';
  return isPointedAt ? 'longer' : 'unknown';
}

function nameOf(graph: TypeGraph, key: number, type: Type): string | null {
  if ((type.kind === 'struct' || type.kind === 'union' || type.kind === 'enum') && type.name !== null) {
    return `${type.kind} ${type.name}`;
  }
  const named = graph.types.get(key);
  return named?.kind === 'typedef' ? named.name : null;
}

interface Reached {
  /** By value. */
  readonly held: Set<string>;
  readonly pointedAt: Set<string>;
}

/** The wanted types that a value of some type is, holds or points at; not what those point at in turn. */
function reach(graph: TypeGraph, key: number, wanted: ReadonlySet<string>): Reached {
  const reached: Reached = { held: new Set(), pointedAt: new Set() };
  const walk = (at: number, isPointed: boolean, depth: number): void => {
    const [named, type] = [graph.types.get(at), plainType(graph, at)];
    if (type === undefined || depth > 8) return;
    for (const name of [nameOf(graph, at, type), named?.kind === 'typedef' ? named.name : null]) {
      if (name !== null && wanted.has(name)) (isPointed ? reached.pointedAt : reached.held).add(name);
    }
    if (type.kind === 'pointer') walk(type.to, true, depth + 1);
    else if (type.kind === 'array') walk(type.of, isPointed, depth + 1);
    else if ((type.kind === 'struct' || type.kind === 'union') && !isPointed) {
      for (const member of type.members) {
        const inner = plainType(graph, member.type);
        // Pointers among the members are the members' own matter.
        if (inner?.kind !== 'pointer') walk(member.type, false, depth + 1);
      }
    }
  };
  walk(key, false, 0);
  return reached;
}
