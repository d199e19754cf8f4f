// SPDX-License-Identifier: GPL-2.0-only
import type { KernelSymbol, ObjectDiff, Piece } from '@lockstep/domain/object-diff';

/** What becomes of a table entry whose key a patched module brings, when the patch is loaded before it. */
export type LateSite =
  | { readonly kind: 'kept' }
  /** The code works the same without it. */
  | { readonly kind: 'left-out' }
  /** The code works, and does not tell the tracepoint. */
  | { readonly kind: 'silent'; readonly tracepoint: string };

const tracepointKey = /^__tracepoint_(.+)$/;

/**
 * The module loader works on static calls and jump labels when the patch is loaded, and then the module that has the key
 * may not be there. A static call without an entry goes through its trampoline, which always leads where the key says. A
 * jump label without an entry stays as compiled, which for a tracepoint means off; no other may be left out.
 * @param comesLate whether a symbol is the patched module's (or that of one it depends on)
 */
export function lateSite(
  { section, relocations }: Piece,
  { kernelSymbols }: ObjectDiff,
  comesLate: (symbol: KernelSymbol) => boolean,
): LateSite {
  if (section !== '.static_call_sites' && section !== '__jump_table') return { kind: 'kept' };
  const key = relocations
    .map(({ target }) => (target.kind === 'kernel' ? kernelSymbols[target.symbol] : undefined))
    .find((symbol) => symbol !== undefined && comesLate(symbol));
  if (key === undefined) return { kind: 'kept' };
  if (section === '.static_call_sites') return { kind: 'left-out' };
  const tracepoint = tracepointKey.exec(key.name)?.[1];
  return tracepoint === undefined ? { kind: 'kept' } : { kind: 'silent', tracepoint };
}
