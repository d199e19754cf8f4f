// SPDX-License-Identifier: GPL-2.0-only
import { functionKey, parseSeq, type FunctionKey, type PatchedFunction } from '@lockstep/domain/livepatch-model';
import { stackAt } from '@lockstep/domain/load-order';
import type { Order } from './order';

/** A patch that is in no load order yet, held over the stack to see what it would do. */
export interface Draft {
  readonly patchName: string;
  readonly functions: readonly PatchedFunction[];
  /** Entries that it was built onto: it contains their changes. */
  readonly builtOnto: ReadonlySet<number>;
}

/**
 * What a layer has of a function: nothing; the code that runs; code that a layer above shadows; or, of a draft, what it would
 * take from the layer that has it now: `takes` a conflict, `contains` one whose change is in it.
 */
export type Cell =
  | { readonly kind: 'none' }
  | { readonly kind: 'runs' }
  | { readonly kind: 'shadowed'; readonly by: string }
  | { readonly kind: 'takes' | 'contains'; readonly from: string };

export interface Layer {
  /** Undefined of a draft. */
  readonly seq: number | undefined;
  readonly patchName: string;
  /** Which of its functions run, of how many. */
  readonly running: number;
  readonly functions: number;
  readonly cells: readonly Cell[];
}

export interface Column {
  readonly key: FunctionKey;
  readonly function: PatchedFunction;
  /** Whose code runs: the topmost layer's name. */
  readonly runs: string;
  /** How many layers change it. */
  readonly owners: number;
}

export interface Picture {
  /** Those that several layers change first, then by name. */
  readonly columns: readonly Column[];
  /** Top first. */
  readonly layers: readonly Layer[];
}

/** Neither whole nor wholly shadowed. */
export const isTorn = ({ running, functions }: Layer): boolean => running > 0 && running < functions;

interface Owner {
  readonly seq: number | undefined;
  readonly patchName: string;
  readonly keys: ReadonlySet<FunctionKey>;
  readonly builtOnto: ReadonlySet<number>;
}

function columnsOf(functions: readonly PatchedFunction[], owners: readonly Owner[]): Column[] {
  const distinct = new Map(functions.map((fn) => [functionKey(fn), fn]));
  const columns = [...distinct].map(([key, fn]): Column => {
    const own = owners.filter(({ keys }) => keys.has(key));
    return { key, function: fn, runs: own[0]?.patchName ?? '', owners: own.length };
  });
  return columns.sort((a, b) => b.owners - a.owners || (a.key < b.key ? -1 : 1));
}

function cellOf(owners: readonly Owner[], at: number, key: FunctionKey): Cell {
  const owner = owners[at];
  if (owner?.keys.has(key) !== true) return { kind: 'none' };
  const above = owners.slice(0, at).find(({ keys }) => keys.has(key));
  if (above !== undefined) return { kind: 'shadowed', by: above.patchName };
  const below = owners.slice(at + 1).find(({ keys }) => keys.has(key));
  if (owner.seq !== undefined || below === undefined) return { kind: 'runs' };
  return { kind: owner.builtOnto.has(below.seq ?? 0) ? 'contains' : 'takes', from: below.patchName };
}

/** The stack at a position as layers over functions, with a draft on top if there is one. */
export function pictureOf(order: Order, position: number, draft?: Draft): Picture {
  const stack = stackAt(order.entries, parseSeq(position));
  const held = stack.map(({ seq, body: { artifact } }) => ({
    ...{ seq, patchName: artifact.patchName, functions: artifact.functions, builtOnto: new Set<number>() },
  }));
  const all = [...held, ...(draft === undefined ? [] : [{ ...draft, seq: undefined }])].reverse();
  const owners = all.map(({ functions, ...about }) => ({ ...about, keys: new Set(functions.map(functionKey)) }));
  const columns = columnsOf(
    all.flatMap(({ functions }) => functions),
    owners,
  );
  const layers = owners.map(({ seq, patchName, keys }, at): Layer => {
    const cells = columns.map(({ key }) => cellOf(owners, at, key));
    const running = cells.filter(({ kind }) => kind !== 'none' && kind !== 'shadowed').length;
    return { seq, patchName, running, functions: keys.size, cells };
  });
  return { columns, layers };
}
