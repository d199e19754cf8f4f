// SPDX-License-Identifier: GPL-2.0-only

/**
 * What genksyms knows of exported symbols and of the types that their declarations reach (`genksyms -T`): a line each,
 * `s#pid_namespace struct pid_namespace { UNKNOWN }`, in which types are named and not written out.
 */
export type SymbolTypes = ReadonlyMap<string, string>;

export function parseSymbolTypes(text: string): SymbolTypes {
  // A prototype that says `extern` declares no other function than one that does not.
  const lines = text.split('\n').map((line) => line.replace(/^(?:override |extern )*(\S+ )(?:extern )?/, '$1').trim());
  return new Map(lines.filter((line) => line !== '').map((line) => [firstWord(line), line]));
}

const firstWord = (line: string): string => line.split(' ', 1)[0] ?? '';

/** A struct, union or enum that is only declared: nothing of it is known. */
const isIncomplete = (line: string): boolean => line.endsWith('{ UNKNOWN }');

/**
 * The type that makes the declaration of a symbol mean something else: `struct sock`; the symbol itself where its own
 * declaration changes or is not known. Null where only more or less is known of the same types, as when an #include
 * completes one: what modules were built for stays true.
 */
export function changedTypeOf(symbol: string, before: SymbolTypes, after: SymbolTypes): string | null {
  const seen = new Set<string>([symbol]);
  for (const key of seen) {
    const [old, now] = [before.get(key), after.get(key)];
    if (old === undefined || now === undefined) return describeKey(key, old ?? now);
    if (old !== now) {
      if (isIncomplete(old) || isIncomplete(now)) continue;
      return describeKey(key, old);
    }
    for (const word of old.split(' ')) if (/^[A-Za-z]#/.test(word)) seen.add(word);
  }
  return null;
}

const keywords: Readonly<Record<string, string>> = { s: 'struct ', u: 'union ', e: 'enum ', t: '', E: '' };

function describeKey(key: string, line: string | undefined): string {
  const [kind, name] = key.includes('#') ? key.split('#', 2) : ['', key];
  if (kind === '' || line === undefined) return name ?? key;
  return `${keywords[kind ?? ''] ?? ''}${name ?? ''}`;
}
