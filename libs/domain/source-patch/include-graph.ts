// SPDX-License-Identifier: GPL-2.0-only

/** The names that a C or assembly file includes (`linux/fs.h`), under whatever conditions. */
export function includedNames(text: string): string[] {
  return Array.from(
    text.matchAll(/^[ \t]*#[ \t]*include(?:_next)?[ \t]*[<"]([^">\n]+)[">]/gm),
    ([, name]) => name ?? '',
  );
}

/**
 * The files that may read any of `files`, directly or through others: more than do, since conditions and search paths are
 * not looked at, and never fewer, but for names that are macros.
 * @param includes by file: the names that it includes
 */
export function possibleReaders(
  includes: Readonly<Record<string, readonly string[]>>,
  files: readonly string[],
): ReadonlySet<string> {
  const includers = new Map<string, { from: string; name: string }[]>();
  for (const [from, names] of Object.entries(includes)) {
    for (const name of names) {
      const list = includers.get(lastPart(name));
      if (list === undefined) includers.set(lastPart(name), [{ from, name }]);
      else list.push({ from, name });
    }
  }
  const found = new Set<string>();
  const waiting = [...files];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    for (const { from, name } of includers.get(lastPart(file)) ?? []) {
      if (found.has(from) || !mayMean(name, file)) continue;
      found.add(from);
      waiting.push(from);
    }
  }
  return found;
}

const lastPart = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Search paths may begin anywhere; of a name that goes up only what follows tells. */
function mayMean(name: string, file: string): boolean {
  const plain = name.replace(/^(?:\.{1,2}\/)+/, '').replaceAll(/[^/]+\/\.\.\//g, '');
  return file === plain || file.endsWith(`/${plain}`);
}
