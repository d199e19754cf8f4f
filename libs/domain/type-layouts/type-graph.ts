// SPDX-License-Identifier: GPL-2.0-only

/** A place in a struct or union. `bitSize` is null but for bit-fields. */
export interface Member {
  /** null: an anonymous struct or union, whose members count as those of the outer one. */
  readonly name: string | null;
  readonly type: number;
  readonly bitOffset: number;
  readonly bitSize: number | null;
}

/** A type of a C program; others are meant by their key in the graph, 0 for void. */
export type Type =
  | { readonly kind: 'base'; readonly name: string; readonly sizeBytes: number; readonly encoding: number }
  | { readonly kind: 'pointer'; readonly to: number }
  | {
      readonly kind: 'struct' | 'union';
      readonly name: string | null;
      /** null: only declared. */
      readonly sizeBytes: number | null;
      readonly members: readonly Member[];
    }
  | { readonly kind: 'enum'; readonly name: string | null; readonly values: readonly (readonly [string, number])[] }
  | { readonly kind: 'array'; readonly of: number; readonly counts: readonly (number | null)[] }
  | { readonly kind: 'function'; readonly returns: number; readonly parameters: readonly number[] }
  | { readonly kind: 'typedef'; readonly name: string; readonly of: number }
  /** const, volatile, restrict, atomic: of no influence on a layout. */
  | { readonly kind: 'qualified'; readonly of: number };

/** Where a function or a file has a value of some type. */
export interface TypeUse {
  readonly kind: 'static' | 'automatic' | 'parameter' | 'return';
  readonly type: number;
  /** The function that has it; null outside of functions. */
  readonly function: string | null;
  readonly name: string | null;
}

/** The types of one object or of a whole kernel. */
export interface TypeGraph {
  readonly types: ReadonlyMap<number, Type>;
  /** Empty where the record tells types only. */
  readonly uses: readonly TypeUse[];
}

/** Without typedefs and qualifiers; undefined for void. */
export function plainType(graph: TypeGraph, key: number): Type | undefined {
  let type = graph.types.get(key);
  // Longer than any chain of typedefs: a circle of them is no C.
  for (let step = 0; step < 64 && (type?.kind === 'typedef' || type?.kind === 'qualified'); step++) {
    type = graph.types.get(type.of);
  }
  return type;
}
