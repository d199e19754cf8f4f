// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { diffObjects, type TableLayouts } from '@lockstep/domain/object-diff';
import { withoutNumbers, type Assembly, type AssemblyFunction } from './assembly';

/** What the differ said about one pair. */
export type Verdict =
  | { readonly kind: 'changed'; readonly changed: readonly string[]; readonly added: readonly string[] }
  | { readonly kind: 'refused'; readonly reason: string; readonly message: string };

/** @throws anything but a refusal */
export function verdictOf(
  original: Uint8Array,
  patched: Uint8Array,
  objectPath: string,
  tables: TableLayouts,
  thorough: boolean,
): Verdict {
  try {
    const diff = diffObjects({ original, patched, objectPath, tables, thorough });
    return {
      kind: 'changed',
      changed: diff.functions.map(({ symbol }) => symbol.name),
      added: diff.newFunctions,
    };
  } catch (error) {
    if (!(error instanceof LockstepError) || error.kind !== 'refused') throw error;
    return { kind: 'refused', reason: error.reason, message: error.message };
  }
}

/** What the assembly says must come out; `refusals` are the reasons that would be right. */
export interface Expected {
  readonly changed: readonly string[];
  readonly added: readonly string[];
  readonly refusals: readonly string[];
  readonly aliases: ReadonlyMap<string, string>;
}

export function expectedOf(before: Assembly, after: Assembly): Expected {
  const differing = new Set<string>();
  for (const [name, old] of before.functions) {
    const now = after.functions.get(name);
    if (now !== undefined && now.text !== old.text) differing.add(name);
  }
  const added = [...after.functions.keys()].filter((name) => !before.functions.has(name));
  const absorbed = absorb(before, differing);
  const changed = [...differing].filter((name) => !absorbed.has(name));
  const all = [...changed, ...absorbed].map((name) => before.functions.get(name) as AssemblyFunction);
  const refusals = [
    ...(all.some(({ section }) => /^\.(init|exit|head|meminit|ref)\./.test(section)) ? ['init-function'] : []),
    ...(all.some(({ hasFentry, isGlobal }) => !hasFentry && isGlobal) ? ['no-ftrace-entry'] : []),
    ...(variablesDiffer(before, after) ? ['data-changed', 'registration-changed'] : []),
  ];
  // A function that cannot be redirected itself and that data points at.
  if (absorbed.size > 0) refusals.push('no-ftrace-entry');
  return { changed, added: [...added, ...absorbed], refusals, aliases: before.aliases };
}

/** Local functions without ftrace entry are carried anew; what uses them changes with them. */
function absorb(before: Assembly, differing: Set<string>): Set<string> {
  const absorbed = new Set<string>();
  for (;;) {
    const found = [...differing].filter((name) => {
      const old = before.functions.get(name);
      const isInit = /^\.(init|exit|head)\./.test(old?.section ?? '');
      return old !== undefined && !old.isGlobal && !old.hasFentry && !isInit && !absorbed.has(name);
    });
    if (found.length === 0) return absorbed;
    for (const name of found) absorbed.add(name);
    for (const { name, words } of before.functions.values()) {
      if (found.some((one) => words.has(one))) differing.add(name);
    }
  }
}

function variablesDiffer(before: Assembly, after: Assembly): boolean {
  return [...before.variables].some(([name, text]) => {
    const now = after.variables.get(name);
    return now !== undefined && now !== text;
  });
}

const sameNames = (ours: readonly string[], theirs: readonly string[]) => {
  const plain = (names: readonly string[]) => names.map((name) => withoutNumbers(name).replace(/#\d+$/, '')).sort();
  return plain(ours).join(' ') === plain(theirs).join(' ');
};

/** null if the verdict is right; otherwise what is wrong. */
export function judge(verdict: Verdict, expected: Expected): string | null {
  const wanted = `expected changed [${expected.changed.join(' ')}], new [${expected.added.join(' ')}]`;
  if (verdict.kind === 'refused') {
    return expected.refusals.includes(verdict.reason) ? null : `refused: ${verdict.message}; ${wanted}`;
  }
  if (expected.refusals.length > 0 && !expected.refusals.every((reason) => reason === 'no-ftrace-entry')) {
    return `not refused; expected ${expected.refusals.join(' or ')}`;
  }
  const added = verdict.added.filter((name) => !/\.cold(\.|$)/.test(name));
  const changed = verdict.changed.map((name) => expected.aliases.get(name) ?? name);
  if (sameNames(changed, expected.changed) && sameNames(added, expected.added)) return null;
  return `changed [${verdict.changed.join(' ')}], new [${added.join(' ')}]; ${wanted}`;
}
