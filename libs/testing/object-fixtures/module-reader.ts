// SPDX-License-Identifier: GPL-2.0-only
import { ElfBytes, parseElf, sectionFlag, stringAt, type ElfFile, type ElfSection } from '@lockstep/domain/elf';
import type { KernelFacts } from '@lockstep/domain/klp-module';

/** What kernel/livepatch finds in a module: its patch structs followed from symbol to symbol. */
export interface ReadModule {
  readonly elf: ElfFile;
  readonly sectionNames: readonly string[];
  /** `object name,sympos -> symbol+offset of the new code`. */
  readonly functions: readonly string[];
  readonly callbacks: readonly string[];
  readonly replace: boolean;
  /** `section: symbol` for each livepatch relocation, without repeats. */
  readonly livepatchRelocations: readonly string[];
  readonly undefinedNames: readonly string[];
  readonly modinfo: readonly string[];
}

interface Pointer {
  readonly section: ElfSection;
  readonly offset: number;
}

export function readModule(bytes: Uint8Array, { layouts }: KernelFacts): ReadModule {
  const elf = parseElf(bytes, 'module.ko');
  const { symbols, sections } = elf;
  const patch = placeOf(elf, symbols.named('lockstep_patch')[0] ?? 0);
  const functions: string[] = [];
  const callbacks: string[] = [];
  const objects = pointerAt(elf, patch, layouts.klpPatch.objs);
  for (let at = objects?.offset ?? 0; objects !== null; at += layouts.klpObject.sizeBytes) {
    const object = { section: objects.section, offset: at };
    const funcs = pointerAt(elf, object, layouts.klpObject.funcs);
    if (funcs === null) break;
    const name = stringOf(elf, pointerAt(elf, object, layouts.klpObject.name)) ?? 'vmlinux';
    functions.push(...functionsOf(elf, layouts, funcs).map((line) => `${name} ${line}`));
    const prePatch = pointerAt(elf, object, layouts.klpObject.prePatch);
    if (prePatch !== null) callbacks.push(`${name} pre_patch ${symbolAt(elf, prePatch)}`);
  }
  const names = Array.from({ length: symbols.count }, (_, symbol) => symbol).filter(
    (symbol) => symbols.name(symbol) !== '',
  );
  return {
    elf,
    sectionNames: sections.map(({ name }) => name),
    functions,
    callbacks,
    replace: elf.bytesOf(patch.section)[patch.offset + layouts.klpPatch.replace] === 1,
    livepatchRelocations: livepatchRelocations(elf),
    undefinedNames: names.filter((symbol) => symbols.section(symbol) === 0).map((symbol) => symbols.name(symbol)),
    modinfo: new TextDecoder().decode(bytesOfNamed(elf, '.modinfo')).split('\0').slice(0, -1),
  };
}

export function bytesOfNamed(elf: ElfFile, name: string): Uint8Array {
  const section = elf.sections.find((candidate) => candidate.name === name);
  return section === undefined ? new Uint8Array(0) : elf.bytesOf(section);
}

function functionsOf(elf: ElfFile, { klpFunc }: KernelFacts['layouts'], first: Pointer): string[] {
  const lines: string[] = [];
  for (let at = first.offset; ; at += klpFunc.sizeBytes) {
    const func = { section: first.section, offset: at };
    const name = stringOf(elf, pointerAt(elf, func, klpFunc.oldName));
    const code = pointerAt(elf, func, klpFunc.newFunc);
    if (name === null || code === null) return lines;
    const sympos = new ElfBytes(elf.bytesOf(func.section), 'data').u32(at + klpFunc.oldSympos);
    lines.push(`${name},${sympos} -> ${symbolAt(elf, code)}`);
  }
}

function placeOf(elf: ElfFile, symbol: number): Pointer {
  return { section: elf.sections[elf.symbols.section(symbol)]!, offset: elf.symbols.value(symbol) };
}

function pointerAt(elf: ElfFile, from: Pointer, at: number): Pointer | null {
  const table = elf.relocationsOf(from.section);
  const rank = table?.firstFrom(from.offset + at) ?? 0;
  if (table === null || rank >= table.count || table.offset(rank) !== from.offset + at) return null;
  const { section, offset } = placeOf(elf, table.symbol(rank));
  return { section, offset: offset + table.addend(rank) };
}

function stringOf(elf: ElfFile, pointer: Pointer | null): string | null {
  if (pointer === null) return null;
  const bytes = elf.bytesOf(pointer.section);
  return stringAt(bytes, pointer.offset, bytes.length);
}

function symbolAt(elf: ElfFile, { section, offset }: Pointer): string {
  for (let symbol = 1; symbol < elf.symbols.count; symbol++) {
    const named = elf.symbols.name(symbol) !== '' && elf.symbols.section(symbol) === section.index;
    if (named && elf.symbols.value(symbol) === offset) return elf.symbols.name(symbol);
  }
  return `${section.name}+${offset}`;
}

function livepatchRelocations(elf: ElfFile): string[] {
  const found = elf.sections
    .filter(({ flags }) => (flags & sectionFlag.relaLivepatch) !== 0)
    .flatMap((section) => {
      const data = new ElfBytes(elf.bytesOf(section), section.name);
      return Array.from(
        { length: section.sizeBytes / 24 },
        (_, index) => `${section.name}: ${elf.symbols.name(data.u32(index * 24 + 12))}`,
      );
    });
  return [...new Set(found)].sort();
}
