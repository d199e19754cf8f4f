// SPDX-License-Identifier: GPL-2.0-only
import { describeType, meaningOf, placedMembers, shownType, type PlacedMember } from './describe-type';
import { plainType, type Type, type TypeGraph } from './type-graph';

/** A struct, union or enum that two builds understand in different ways. Plain data. */
export interface LayoutChange {
  /**
   * `struct eventfd_ctx`; `foo_t` where only a typedef names it; `constant WORKER_IDLE` of an enum without a name;
   * `variable state`, whose type has none.
   */
  readonly type: string;
  /** The first member that differs; null where only the size does. */
  readonly member: string | null;
  /** `is new, at byte 48`, for people. */
  readonly what: string;
  /** All that differs are members in what was padding, or is now. */
  readonly isPadding: boolean;
  /** All that differs is a last value which, by its name, only counts the others. */
  readonly isCount?: true;
  /** All that differs is what numbers are called, which may say how they are meant: `__le32` for `__be32`. */
  readonly isMeaning?: true;
}

type Defined = Extract<Type, { kind: 'struct' | 'union' | 'enum' }>;

/** Every named type that both graphs define and that differs; in order of name. Near-linear. */
export function compareLayouts(before: TypeGraph, after: TypeGraph): LayoutChange[] {
  const olds = definitions(before);
  const news = definitions(after);
  const changes: LayoutChange[] = [];
  for (const [type, old] of olds) {
    const now = news.get(type);
    // Several of one name: those of functions' own scopes, in order.
    old.forEach((one, index) => {
      const other = now?.[index];
      const change =
        other === undefined
          ? null
          : (difference(before, one, after, other) ??
            countDifference(one, other) ??
            meaningDifference(before, one, after, other));
      if (change !== null) changes.push({ type, ...change });
    });
  }
  changes.push(...constantChanges(before, after));
  return changes.sort((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0));
}

/** Constants of enums without a name: flags and states mostly, which objects keep as plain integers. */
function constantChanges(before: TypeGraph, after: TypeGraph): LayoutChange[] {
  const now = new Map(namelessEnums(after).flatMap(({ values }) => values));
  return namelessEnums(before).flatMap((one) =>
    one.values.flatMap(([name, value]): LayoutChange[] => {
      const found = now.get(name);
      if (found === undefined || found === value) return [];
      const change = { type: `constant ${name}`, member: null, what: movedValue(found, value), isPadding: false };
      return [{ ...change, ...(name === countIn(one) ? { isCount: true } : {}) }];
    }),
  );
}

function namelessEnums(graph: TypeGraph): EnumType[] {
  const named = new Set([...graph.types.values()].flatMap((type) => (type.kind === 'typedef' ? [type.of] : [])));
  return [...graph.types].flatMap(([key, type]) => {
    return type.kind === 'enum' && type.name === null && !named.has(key) ? [type] : [];
  });
}

/** Variables that keep their place, and are something else with the other build: what is in them stays. In order of name. */
export function compareVariables(before: TypeGraph, after: TypeGraph): LayoutChange[] {
  const news = variables(after);
  const changes = [...variables(before)].flatMap(([key, old]) => {
    const now = news.get(key);
    // Several of one name in one function: which is which is not said.
    if (old.length !== 1 || now?.length !== 1) return [];
    const [name, was, is] = [key.split(' ').at(-1) ?? key, old[0] as number, now[0] as number];
    const change = variableChange(before, was, after, is);
    return change === null ? [] : [{ type: `variable ${name}`, ...change }];
  });
  return changes.sort((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0));
}

/** Types of variables, by function and name. Nothing is known of an array that is only declared. */
function variables(graph: TypeGraph): Map<string, number[]> {
  const found = new Map<string, Map<string, number>>();
  for (const use of graph.uses) {
    if (use.kind !== 'static' || use.name === null) continue;
    const key = `${use.function ?? ''} ${use.name}`;
    const described = describeType(graph, use.type);
    if (described.includes('[]')) continue;
    found.set(key, (found.get(key) ?? new Map<string, number>()).set(described, use.type));
  }
  return new Map([...found].map(([key, types]) => [key, [...types.values()]]));
}

function variableChange(
  before: TypeGraph,
  was: number,
  after: TypeGraph,
  is: number,
): Omit<LayoutChange, 'type'> | null {
  const [described, now] = [describeType(before, was), describeType(after, is)];
  if (described === now) {
    const [meant, means] = [meaningOf(before, was), meaningOf(after, is)];
    if (meant === means) return null;
    return { member: null, what: `is ${means}, and was ${meant}`, isPadding: false, isMeaning: true };
  }
  const [old, fresh] = [withoutSteps(before, was), withoutSteps(after, is)];
  const isStruct = old.type !== undefined && fresh.type !== undefined && isDefined(old.type) && isDefined(fresh.type);
  // A typedef of a struct without a name is compared as such.
  if (isStruct && old.called !== null && old.called === fresh.called) return null;
  if (!isStruct || old.steps !== fresh.steps || old.type?.kind === 'enum') {
    return { member: null, what: `is ${now}, and was ${described}`, isPadding: false };
  }
  // Only called otherwise, it is what it was.
  return difference(before, old.type as Defined, after, fresh.type as Defined);
}

/** What an array has or a pointer leads to, with how it does, and the typedef that it is called by. */
function withoutSteps(graph: TypeGraph, key: number): { type: Type | undefined; steps: string; called: string | null } {
  let type = graph.types.get(key);
  let steps = '';
  let called: string | null = null;
  // Longer than any chain of pointers and typedefs.
  for (let step = 0; step < 64 && type !== undefined; step++) {
    if (type.kind === 'pointer') steps += '*';
    else if (type.kind === 'array') steps += `[${type.counts.join()}]`;
    else if (type.kind === 'typedef') called = type.name;
    else if (type.kind !== 'qualified') break;
    type = graph.types.get(type.kind === 'pointer' ? type.to : type.of);
  }
  return { type, steps, called };
}

/** As compareLayouts, of a build that knows some types of another one which may have several of a name. */
export function differingFromAll(before: TypeGraph, after: TypeGraph): LayoutChange[] {
  const olds = definitions(before);
  return [...definitions(after)].flatMap(([type, news]) => {
    const candidates = olds.get(type) ?? [];
    return news.flatMap((now) => {
      const found = candidates.map((old) => difference(before, old, after, now));
      const [first] = found;
      return first === undefined || first === null || found.includes(null) ? [] : [{ type, ...first }];
    });
  });
}

/** Definitions by name, in order. */
function definitions(graph: TypeGraph): Map<string, Defined[]> {
  const found = new Map<string, Defined[]>();
  const add = (name: string, type: Defined): void => {
    const list = found.get(name);
    if (list === undefined) found.set(name, [type]);
    else list.push(type);
  };
  for (const [key, type] of graph.types) {
    if (type.kind === 'typedef') {
      const plain = plainType(graph, key);
      if (plain !== undefined && isDefined(plain) && plain.name === null) add(type.name, plain);
    } else if (isDefined(type) && type.name !== null) add(`${type.kind} ${type.name}`, type);
  }
  return found;
}

const isDefined = (type: Type): type is Defined =>
  type.kind === 'enum' ? type.values.length > 0 : 'sizeBytes' in type && 'members' in type && type.sizeBytes !== null;

function difference(
  before: TypeGraph,
  old: Defined,
  after: TypeGraph,
  now: Defined,
): Omit<LayoutChange, 'type'> | null {
  if (old.kind === 'enum' || now.kind === 'enum') {
    return old.kind === now.kind
      ? enumDifference(old as EnumType, now as EnumType)
      : { member: null, what: 'is none any more', isPadding: false };
  }
  const [olds, news] = [placedMembers(before, old), placedMembers(after, now)];
  const isSameSize = old.sizeBytes === now.sizeBytes;
  const member = memberDifference(olds, news);
  if (member !== null) return { ...member, isPadding: isSameSize && differInPadding(olds, news) };
  if (isSameSize) return null;
  return { member: null, what: `is ${now.sizeBytes} bytes, and was ${old.sizeBytes}`, isPadding: false };
}

const namesOf = (members: readonly PlacedMember[]): Set<string> => new Set(members.map(({ name }) => name));

/** Whether what both have is the same, and no union gives the rest a place that others have too. */
function differInPadding(olds: readonly PlacedMember[], news: readonly PlacedMember[]): boolean {
  const [before, after] = [namesOf(olds), namesOf(news)];
  const common = (members: readonly PlacedMember[]) =>
    JSON.stringify(
      members
        .filter(({ name }) => before.has(name) && after.has(name))
        .map(({ name, bitOffset, type, bitSize, isShared }) => [name, bitOffset, type, bitSize, isShared]),
    );
  const rest = [...olds.filter(({ name }) => !after.has(name)), ...news.filter(({ name }) => !before.has(name))];
  return common(olds) === common(news) && rest.every(({ isShared }) => !isShared);
}

type EnumType = Extract<Type, { kind: 'enum' }>;

/** Names of a last value that only counts the others: mostly nothing keeps it. */
const countName = /(?:^|_)(?:nr|num|max|count|cnt|last|end|size|total|limit)(?:_|\d|$)|(?:max|count)$/i;

function countIn({ values }: EnumType): string | undefined {
  const last = values.at(-1)?.[0] ?? '';
  return countName.test(last) ? last : undefined;
}

const movedValue = (found: number, value: number): string => `is ${found}, and was ${value}`;

/** Values may be added, and what counts them moves. */
function enumDifference(old: EnumType, now: EnumType): Omit<LayoutChange, 'type'> | null {
  const [values, count] = [new Map(now.values), countIn(old)];
  for (const [name, value] of old.values) {
    const found = values.get(name);
    if (found === value || name === count) continue;
    return { member: name, what: found === undefined ? 'is gone' : movedValue(found, value), isPadding: false };
  }
  return null;
}

function countDifference(old: Defined, now: Defined): Omit<LayoutChange, 'type'> | null {
  if (old.kind !== 'enum' || now.kind !== 'enum') return null;
  const [count, value] = old.values.at(-1) ?? ['', 0];
  const found = new Map(now.values).get(count);
  if (found === undefined || found === value) return null;
  return { member: count, what: movedValue(found, value), isPadding: false, isCount: true };
}

function meaningDifference(
  before: TypeGraph,
  old: Defined,
  after: TypeGraph,
  now: Defined,
): Omit<LayoutChange, 'type'> | null {
  if (old.kind === 'enum' || now.kind === 'enum') return null;
  const meanings = new Map(placedMembers(after, now).map(({ name, key }) => [name, meaningOf(after, key)]));
  for (const { name, key } of placedMembers(before, old)) {
    const [was, is] = [meaningOf(before, key), meanings.get(name)];
    if (is === undefined || is === was) continue;
    return { member: name, what: `is ${is}, and was ${was}`, isPadding: false, isMeaning: true };
  }
  return null;
}

function memberDifference(
  olds: readonly PlacedMember[],
  news: readonly PlacedMember[],
): Pick<LayoutChange, 'member' | 'what'> | null {
  const before = new Map(olds.map((member) => [member.name, member]));
  const after = new Map(news.map((member) => [member.name, member]));
  // What was added or taken away says more than what it moved.
  for (const { name, bitOffset } of news) {
    if (!before.has(name)) return { member: name, what: `is new, at ${place(bitOffset)}` };
  }
  for (const { name, bitOffset } of olds) {
    if (!after.has(name)) return { member: name, what: `is gone from ${place(bitOffset)}` };
  }
  for (const old of olds) {
    const now = after.get(old.name) as PlacedMember;
    if (now.bitOffset !== old.bitOffset) {
      return { member: old.name, what: `is at ${place(now.bitOffset)}, and was at ${place(old.bitOffset)}` };
    }
    if (now.type !== old.type || now.bitSize !== old.bitSize) {
      return { member: old.name, what: `is ${shownType(now)}, and was ${shownType(old)}` };
    }
  }
  return null;
}

function place(bitOffset: number): string {
  const bit = bitOffset % 8;
  return `byte ${(bitOffset - bit) / 8}${bit === 0 ? '' : `, bit ${bit}`}`;
}
