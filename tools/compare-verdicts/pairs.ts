// SPDX-License-Identifier: GPL-2.0-only
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseElf, sectionFlag, type ElfFile } from '@lockstep/domain/elf';
import type { TableLayouts } from '@lockstep/domain/object-diff';

/** Two builds of one object: `NAME.ORIG.o` and `NAME.PATCHED.o`. */
export interface UnitPair {
  readonly name: string;
  readonly original: string;
  readonly patched: string;
  /** `BUG_STRUCT_SIZE` and the like, of the kernel that the object was compiled for. */
  readonly sizes: Readonly<Record<string, string>>;
}

/** All pairs of a directory of the peer's unit objects; its Makefile and `NAME.env` name the sizes. */
export function findPairs(dir: string): UnitPair[] {
  const common = readSizes(path.join(dir, 'Makefile'));
  const files = new Set(readdirSync(dir));
  return [...files].sort().flatMap((file) => {
    const name = /^(.*)\.ORIG\.o$/.exec(file)?.[1];
    const patched = [`${name ?? ''}.PATCHED.o`, `${name ?? ''}.PATCHED.FAIL.o`].find((other) => files.has(other));
    if (name === undefined || patched === undefined) return [];
    const own = files.has(`${name}.env`) ? readSizes(path.join(dir, `${name}.env`)) : {};
    return [{ name, original: path.join(dir, file), patched: path.join(dir, patched), sizes: { ...common, ...own } }];
  });
}

function readSizes(file: string): Record<string, string> {
  const found = readFileSync(file, 'latin1').matchAll(/(\w+_STRUCT_SIZE)=(\d+)/g);
  return Object.fromEntries(Array.from(found, ([, name = '', bytes = '']) => [name, bytes] as const));
}

/** Sizes that x86_64 kernels have had, for objects of other kernels than their directory's sizes say. */
const knownSizes = {
  BUG: ['__bug_table', 12, 8, 16],
  EX: ['__ex_table', 12, 8, 16],
  JUMP: ['__jump_table', 16, 24],
  ALT: ['.altinstructions', 12, 13, 14],
  PARA: ['.parainstructions', 16],
  STATIC_CALL: ['.static_call_sites', 8],
} as const;

/** Sections by which a source tells the peer to overlook something; they mean nothing to others. */
export function ignoredByPeer({ patched, name }: UnitPair): string[] {
  const { sections } = parseElf(new Uint8Array(readFileSync(patched)), name);
  return sections.map((section) => section.name).filter((section) => section.startsWith('.kpatch.ignore.'));
}

/** The layouts that go with these sizes on x86_64. The peer never looks whether a size fits the table; the differ does. */
export function layoutsOf({ sizes, name }: UnitPair, original: Uint8Array): TableLayouts {
  const elf = parseElf(original, name);
  const size = (word: keyof typeof knownSizes): number => {
    const [table, ...known] = knownSizes[word];
    const declared = Number(sizes[`${word}_STRUCT_SIZE`] ?? 0);
    return [declared, ...known].find((bytes) => bytes > 0 && fits(elf, table, bytes)) ?? declared;
  };
  const alternative = size('ALT');
  return {
    bugEntryBytes: size('BUG'),
    // Behind the places of the bug and of its file's name.
    bugLineOffset: 8,
    bugFileBias: bugFileBias(elf),
    exceptionEntryBytes: size('EX'),
    jumpEntryBytes: size('JUMP'),
    alternativeEntryBytes: alternative,
    // The flags of Linux 6.3 moved it.
    alternativeLengthOffset: alternative > 13 ? 13 : 11,
    paravirtEntryBytes: size('PARA'),
    staticCallEntryBytes: size('STATIC_CALL'),
    orcEntryBytes: Number(sizes['ORC_STRUCT_SIZE'] ?? 0),
    // struct _ddebug with a static key: four pointers, the word with the line, the key.
    dynamicDebugEntryBytes: 56,
    dynamicDebugLineOffset: 32,
  };
}

/** Whether each entry of the table would begin with the place of its code. */
function fits(elf: ElfFile, name: string, entryBytes: number): boolean {
  const section = elf.sections.find((one) => one.name === name);
  const relocations = section === undefined ? null : elf.relocationsOf(section);
  if (section === undefined || relocations === null) return true;
  for (let start = 0; start < section.sizeBytes; start += entryBytes) {
    const rank = relocations.firstFrom(start);
    if (rank >= relocations.count || relocations.offset(rank) !== start) return false;
    const code = elf.sections[elf.symbols.section(relocations.symbol(rank))];
    if (code === undefined || (code.flags & sectionFlag.exec) === 0) return false;
  }
  return true;
}

const newestBias = 0;
const oldBias = 4;

/** 4 where bug entries count the place of their file's name from their own start (up to Linux 5.18), else 0. */
function bugFileBias(elf: ElfFile): number {
  const table = elf.sections.find((section) => section.name === '__bug_table');
  const relocations = table === undefined ? null : elf.relocationsOf(table);
  for (let rank = 0; relocations !== null && rank < relocations.count; rank++) {
    const symbol = relocations.symbol(rank);
    const section = elf.symbols.isDefined(symbol) ? elf.sections[elf.symbols.section(symbol)] : undefined;
    if (section === undefined || (section.flags & sectionFlag.strings) === 0) continue;
    const place = elf.symbols.value(symbol) + relocations.addend(rank);
    const isStart = place === 0 || elf.bytesOf(section)[place - 1] === 0;
    return isStart ? newestBias : oldBias;
  }
  return newestBias;
}
