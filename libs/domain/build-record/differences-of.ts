// SPDX-License-Identifier: GPL-2.0-only
import { parseElf, type ElfFile } from '@lockstep/domain/elf';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { readBuildRecord } from './build-record';

/** Enough to see what is wrong. */
const namedAtMost = 10;

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, at) => byte === b[at]);

/** In what two unsigned modules differ, for people: their records, then their sections by name. */
export function differencesOf(first: Uint8Array, second: Uint8Array): string[] {
  const told = recordDifferences(first, second);
  const [a, b] = [contentsOf(first), contentsOf(second)];
  if (a === null || b === null) return [...told, 'one of them is no module'];
  const names = [...new Set([...a.keys(), ...b.keys()])].filter((name) => {
    const [one, other] = [a.get(name), b.get(name)];
    return one === undefined || other === undefined || !isSame(one, other);
  });
  if (names.length > 0) {
    const more = names.length > namedAtMost ? ` and ${names.length - namedAtMost} more` : '';
    told.push(`section ${names.slice(0, namedAtMost).join(', ')}${more}`);
  }
  return told.length > 0
    ? told
    : [`${first.length} bytes and ${second.length} bytes, in what lies between their sections`];
}

function recordDifferences(first: Uint8Array, second: Uint8Array): string[] {
  const [a, b] = [first, second].map((bytes) => new Map(Object.entries(readBuildRecord(bytes) ?? {})));
  const names = [...new Set([...(a?.keys() ?? []), ...(b?.keys() ?? [])])];
  const shown = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value));
  return names
    .map((name) => [name, shown(a?.get(name)), shown(b?.get(name))] as const)
    .filter(([, one, other]) => one !== other)
    .map(([name, one, other]) => `${name} ${one} and ${other}`);
}

/** By name; of those with one name the second is `NAME#1`. Null where it is no ELF file. */
function contentsOf(bytes: Uint8Array): Map<string, Uint8Array> | null {
  let elf: ElfFile;
  try {
    elf = parseElf(bytes, 'module');
  } catch (error) {
    if (error instanceof LockstepError) return null;
    throw error;
  }
  const contents = new Map<string, Uint8Array>();
  for (const section of elf.sections) {
    let name = section.name;
    for (let times = 1; contents.has(name); times++) name = `${section.name}#${times}`;
    contents.set(name, elf.bytesOf(section));
  }
  return contents;
}
