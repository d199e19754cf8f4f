// SPDX-License-Identifier: GPL-2.0-only
import { plainType, type Member, type Type, type TypeGraph } from './type-graph';

/** How deep pointers to pointers, arrays and functions are told before they are left open. */
const maxDepth = 6;

/** A type as C names it, which is the same in two graphs only if a value of it means the same there. */
export function describeType(graph: TypeGraph, key: number, depth = 0): string {
  const type = plainType(graph, key);
  if (type === undefined) return 'void';
  if (depth > maxDepth) return '…';
  switch (type.kind) {
    case 'base':
      return type.name;
    case 'pointer':
      return `${describeType(graph, type.to, depth + 1)} *`;
    case 'enum':
      return type.name === null ? 'enum' : `enum ${type.name}`;
    case 'array': {
      const counts = type.counts.map((count) => `[${count ?? ''}]`).join('');
      return `${describeType(graph, type.of, depth + 1)} ${counts}`;
    }
    case 'function': {
      const parameters = type.parameters.map((one) => describeType(graph, one, depth + 1)).join(', ');
      return `${describeType(graph, type.returns, depth + 1)} (${parameters})`;
    }
    case 'struct':
    case 'union': {
      if (type.name !== null) return `${type.kind} ${type.name}`;
      const members = placedMembers(graph, type).map((one) => `${one.name}@${one.bitOffset} ${shownType(one)}`);
      return `${type.kind} { ${members.join('; ')} }`;
    }
    case 'typedef':
    case 'qualified':
      return '…';
  }
}

/** Typedefs that say no more of a number than its width and sign. */
const plainNumber =
  /^(?:_*[us](?:8|16|32|64|128)|u?_?int(?:_fast|_least)?\d+_t|uint|ulong|ushort|unchar|u_(?:char|short|int|long)|bool|(?:__kernel_)?(?:s?size|u?long)_t)$/;

/** As describeType, with what its author calls numbers where that says how they are meant: `__be32`, `ktime_t`. */
export function meaningOf(graph: TypeGraph, key: number): string {
  let steps = '';
  let at = key;
  // Longer than any chain of pointers and typedefs.
  for (let step = 0; step < 64; step++) {
    const type = graph.types.get(at);
    if (type?.kind === 'typedef' && !plainNumber.test(type.name) && plainType(graph, at)?.kind === 'base')
      return `${type.name}${steps}`;
    if (type?.kind === 'pointer') steps = ` *${steps}`;
    else if (type?.kind === 'array') steps = ` []${steps}`;
    else if (type?.kind !== 'typedef' && type?.kind !== 'qualified') break;
    at = type.kind === 'pointer' ? type.to : type.of;
  }
  return describeType(graph, key);
}

/** A bit-field's width is part of what it is. */
export const shownType = ({ type, bitSize }: Pick<PlacedMember, 'type' | 'bitSize'>): string =>
  bitSize === null ? type : `${type} : ${bitSize}`;

/** A member under its full name: those of anonymous structs and unions count as the outer one's. */
export interface PlacedMember {
  readonly name: string;
  readonly bitOffset: number;
  readonly bitSize: number | null;
  readonly type: string;
  /** Others of a union lie there too. */
  readonly isShared: boolean;
  /** Its type in its graph. */
  readonly key: number;
}

export function placedMembers(
  graph: TypeGraph,
  { kind, members }: Extract<Type, { kind: 'struct' | 'union' }>,
  from = 0,
  isInUnion = false,
): PlacedMember[] {
  const isShared = isInUnion || kind === 'union';
  return members.flatMap(({ name, type, bitOffset, bitSize }: Member, index) => {
    const inner = plainType(graph, type);
    if (name === null && (inner?.kind === 'struct' || inner?.kind === 'union')) {
      return placedMembers(graph, inner, from + bitOffset, isShared);
    }
    const shown = name ?? `(unnamed ${index})`;
    return [
      { name: shown, bitOffset: from + bitOffset, bitSize, type: describeType(graph, type), isShared, key: type },
    ];
  });
}
