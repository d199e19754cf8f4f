// SPDX-License-Identifier: GPL-2.0-only
import type { PeerResult } from '../bench-diff/peer';
import { withoutNumbers } from '../mutation-test/assembly';
import type { Verdict } from '../mutation-test/verdict';

/** Whether both say the same of one pair, and if not, what each says. */
export interface Agreement {
  readonly agrees: boolean;
  readonly ours: string;
  readonly theirs: string;
}

interface FunctionLists {
  readonly changed: readonly string[];
  readonly added: readonly string[];
}

/** Parts that go with a function which is listed itself, and numbers of clones, mean nothing. */
function plain({ changed, added }: FunctionLists): FunctionLists {
  const listed = new Set([...changed, ...added]);
  const isPart = (name: string) => {
    const [, whole = '', kind] = /^(.+)\.(cold|part)(\.\d+)?$/.exec(name) ?? [];
    return kind === 'cold' || listed.has(whole);
  };
  const names = (list: readonly string[]) =>
    [...new Set(list.filter((name) => !isPart(name)).map(withoutNumbers))].sort();
  return { changed: names(changed), added: names(added) };
}

/** Names that only the first list has, and their kind. */
function surplus(mine: FunctionLists, theirs: FunctionLists): string[] {
  const [left, right] = [plain(mine), plain(theirs)];
  const only = (kind: keyof FunctionLists) => left[kind].filter((name) => !right[kind].includes(name));
  return [...only('changed').map((name) => `${name} changed`), ...only('added').map((name) => `${name} is new`)];
}

const told = (names: readonly string[]): string => (names.length === 0 ? 'nothing more' : names.join(', '));

/** Compares verdicts; where both found changes, the functions. */
export function agreementOf(ours: Verdict, theirs: PeerResult): Agreement {
  if (ours.kind === 'refused') {
    return { agrees: theirs.kind === 'refused', ours: `refused: ${ours.message}`, theirs: wordsOf(theirs) };
  }
  const isSame = ours.changed.length === 0 && ours.added.length === 0;
  const words = isSame ? 'no change' : told(surplus(ours, { changed: [], added: [] }));
  if (isSame || theirs.kind !== 'changed') {
    return { agrees: isSame && theirs.kind === 'unchanged', ours: words, theirs: wordsOf(theirs) };
  }
  const [mine, other] = [surplus(ours, theirs), surplus(theirs, ours)];
  const agrees = mine.length === 0 && other.length === 0;
  return agrees ? { agrees, ours: words, theirs: words } : { agrees, ours: told(mine), theirs: told(other) };
}

function wordsOf(result: PeerResult): string {
  switch (result.kind) {
    case 'changed':
      return told(surplus(result, { changed: [], added: [] }));
    case 'unchanged':
      return 'no change';
    case 'refused':
      return `refused: ${result.message}`;
    case 'too-slow':
      return `not done after ${result.limitSeconds} s`;
  }
}
