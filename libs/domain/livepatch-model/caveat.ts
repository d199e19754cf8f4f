// SPDX-License-Identifier: GPL-2.0-only

const caveatKinds = ['stays-loaded', 'type-changed', 'callbacks-only', 'sleepers'] as const;

/**
 * What kind of thing whoever rolls a module out has to know, beside which functions it changes:
 * - `stays-loaded`: it can be disabled and not unloaded, for its code or data may be used later;
 * - `type-changed`: it changes a type whose objects live on, by its author's word;
 * - `callbacks-only`: it changes no function, so it owns nothing that others could: of two that set one variable the upper
 *   one's value is in effect, which the plan tells (`variablesUsedBy`);
 * - `sleepers`: tasks sleep in what it changes, and hold its transition up for as long as they do.
 */
export type CaveatKind = (typeof caveatKinds)[number];

export interface Caveat {
  readonly kind: CaveatKind;
  /** For people, one line: what of the patch makes it so. */
  readonly message: string;
}

export const isCaveatKind = (word: string): word is CaveatKind => caveatKinds.some((kind) => kind === word);

/** Why a module stays in the kernel when it is disabled; empty if it does not. */
export const staysLoadedFor = (caveats: readonly Caveat[] = []): string[] =>
  caveats.filter(({ kind }) => kind === 'stays-loaded').map(({ message }) => message);

/**
 * What the caveat `callbacks-only` says.
 * @param callbacks `pre_patch prepare() of vmlinux`
 * @param variables those of the kernel that they use
 */
export function describeCallbacks(callbacks: readonly string[], variables: readonly string[]): string {
  const used = variables.length === 0 ? '' : `, using ${variables.join(', ')}`;
  return `it changes no function: ${callbacks.join(', ')}${used}`;
}

/** The variables that a patch of callbacks alone uses, as its caveat names them; none of any other patch. */
export const variablesUsedBy = (caveats: readonly Caveat[] = []): string[] =>
  caveats
    .filter(({ kind }) => kind === 'callbacks-only')
    .flatMap(({ message }) => /, using ([^(]+)$/.exec(message)?.[1]?.split(', ') ?? []);
