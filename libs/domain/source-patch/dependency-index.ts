// SPDX-License-Identifier: GPL-2.0-only

export interface IndexedObject {
  /** Below the tree's root: `.o`, `.s` for what generated headers are made from, a linker script, … */
  path: string;
  source: string;
  /** `vmlinux`, a module's name, or null: part of neither (vdso, boot code, build tools). */
  object: string | null;
  /** More modules that it is linked into; mostly absent. */
  alsoIn?: readonly string[];
}

/** Which compiled files read which sources; plain data, kept as JSON with a registered kernel build. */
export interface DependencyIndex {
  objects: IndexedObject[];
  /** File below the tree's root → indices into `objects`, rising. */
  readers: Record<string, number[]>;
  /** File below the tree's root → what a script generates from it, unseen by the compiler's dependencies. */
  generates: Record<string, string>;
}

export interface CompiledObject extends IndexedObject {
  dependencies: readonly string[];
}

/** Turns what each object read into what reads each file. Files outside the tree cannot be patched and are left out. */
export function makeDependencyIndex(
  compiled: readonly CompiledObject[],
  generates: Readonly<Record<string, string>>,
): DependencyIndex {
  const sorted = [...compiled].sort((left, right) => (left.path < right.path ? -1 : 1));
  const readers = new Map<string, number[]>();
  sorted.forEach((object, index) => {
    for (const file of new Set([object.source, ...object.dependencies])) {
      if (file.startsWith('/')) continue;
      const list = readers.get(file);
      if (list === undefined) readers.set(file, [index]);
      else list.push(index);
    }
  });
  return {
    objects: sorted.map(({ path, source, object, alsoIn }) => {
      return { path, source, object, ...(alsoIn === undefined ? {} : { alsoIn }) };
    }),
    readers: Object.fromEntries(readers),
    generates: { ...generates },
  };
}

/** The compiled files that read any of these, in path order. */
export function objectsThatRead(index: DependencyIndex, files: readonly string[]): IndexedObject[] {
  const hits = new Set(
    files.flatMap((file) => (Object.hasOwn(index.readers, file) ? (index.readers[file] ?? []) : [])),
  );
  return index.objects.filter((_, position) => hits.has(position));
}
