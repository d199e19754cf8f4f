// SPDX-License-Identifier: GPL-2.0-only
import { plainType, type Type, type TypeGraph } from './type-graph';

/**
 * How long objects of a type live, as far as one object file tells.
 * - `longer`: some outlive the function that made them: what old code made, new code reads.
 * - `stack`: they are variables of functions, and what gets a pointer to one is called by its owner.
 * - `unknown`: only pointers to it are passed on here: others say.
 */
export type Lifetime = 'longer' | 'stack' | 'unknown';

/** Members by which others find an object that lies on a stack: it is on a list, or somebody waits for it. */
const links = new Set(
  [
    ...['hlist_node', 'hlist_nulls_node', 'hlist_bl_node', 'rb_node', 'llist_node', 'plist_node'],
    ...['callback_head', 'work_struct', 'timer_list', 'hrtimer', 'completion', 'wait_queue_entry', 'swait_queue'],
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
  for (const { kind, type } of graph.uses) {
    const { held, pointedAt } = reach(graph, type, wanted);
    const isKept = kind === 'static' || kind === 'return';
    for (const name of held) of(name)[kind === 'static' ? 'isLasting' : 'isOnStack'] = true;
    // A parameter may point at the caller's own variable.
    if (kind !== 'parameter') for (const name of pointedAt) of(name)[isKept ? 'isLasting' : 'isPointedAt'] = true;
  }
  for (const [key, type] of graph.types) {
    if (type.kind !== 'struct' && type.kind !== 'union') continue;
    const own = nameOf(graph, key, type);
    for (const member of type.members) {
      const { held, pointedAt } = reach(graph, member.type, wanted);
      for (const name of pointedAt) of(name).isLasting = true;
      // What holds it is mostly wanted, too, for its own layout follows; else nobody here has it as such.
      for (const name of held) if (name !== own && !wanted.has(own ?? '')) of(name).isLasting = true;
      const plain = plainType(graph, member.type);
      const isLink = plain?.kind === 'struct' && links.has(`struct ${plain.name ?? ''}`);
      if (own === null || !wanted.has(own)) continue;
      if (isLink) of(own).isLasting = true;
      if (plain?.kind === 'struct' && plain.name === listOrHead) of(own).hasList = true;
    }
  }
  return new Map([...wanted].map((name) => [name, lifetimeFrom(of(name))]));
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
