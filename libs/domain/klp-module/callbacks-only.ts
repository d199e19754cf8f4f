// SPDX-License-Identifier: GPL-2.0-only
import { describeCallbacks } from '@lockstep/domain/livepatch-model';
import type { ObjectDiff } from '@lockstep/domain/object-diff';
import type { SymbolLookup } from './symbol-lookup';

interface DiffOfObject {
  readonly object: string;
  readonly diff: ObjectDiff;
  readonly lookup: SymbolLookup;
}

/**
 * What a module does that changes no function and has callbacks: who is called when, and which of the kernel's variables
 * they use, for nobody else can tell two such modules apart. Null for a module that changes functions.
 */
export function describeCallbacksOnly(diffs: readonly DiffOfObject[]): string | null {
  if (diffs.some(({ diff }) => diff.functions.length > 0)) return null;
  const callbacks = diffs.flatMap(({ object, diff }) =>
    diff.callbacks.map(({ kind, piece }) => `${kind} ${diff.pieces[piece]?.symbol?.name ?? ''}() of ${object}`),
  );
  const variables = diffs.flatMap(({ diff, lookup }) =>
    diff.kernelSymbols
      .filter((symbol) => lookup.find(symbol, diff)?.isFunction === false && !isThunk(symbol.name))
      .map(({ name }) => name),
  );
  return describeCallbacks(callbacks, [...new Set(variables)]);
}

/** Code of the compiler's, by labels alone: every function with a return or an indirect call goes through one. */
const isThunk = (name: string): boolean => name.startsWith('__x86_');
