// SPDX-License-Identifier: GPL-2.0-only
import { malformed, type ElfFile } from '@lockstep/domain/elf';
import { DwarfCursor } from '@lockstep/domain/type-layouts';

/** Each path once, by folder and name, however many units name it: a kernel's name a million. */
export type KnownPaths = Map<string, Map<string, string>>;

/** One compiler's run, by the names that it was given; paths are normalised, but relative to wherever it ran. */
export interface CompileUnit {
  readonly source: string;
  /** Whatever a line or a declaration in its debug information comes from, the source included. */
  readonly files: readonly string[];
}

/** DW_LNCT_*. Source: DWARF 5, 6.2.4.1. */
const content = { path: 1, directory: 2 } as const;

/**
 * The compile units of a kernel or module, from the headers of their line tables alone. A header of which nothing but
 * macros was used is not among a unit's files. Linear.
 * @param elf with `.debug_line` and `.debug_line_str`; of a module, also their relocations
 * @param known paths of units that were read before
 * @throws LockstepError `malformed-elf`
 */
export function readCompileUnits(elf: ElfFile, known: KnownPaths = new Map()): CompileUnit[] {
  const contents = (name: string): Uint8Array => {
    const section = elf.sections.find((one) => one.name === name);
    return section === undefined ? new Uint8Array(0) : elf.bytesOf(section);
  };
  const bytes = contents('.debug_line');
  const strings = { str: contents('.debug_str'), lineStr: contents('.debug_line_str') };
  const cursor = new DwarfCursor(elf.name, bytes, openFields(elf), strings);
  const units: CompileUnit[] = [];
  while (!cursor.isAtEnd) {
    const sizeBytes = cursor.u32();
    const end = cursor.at + sizeBytes;
    if (sizeBytes >= 0xffff_fff0 || end > bytes.length)
      throw malformed(elf.name, '.debug_line', 'has a unit without an end');
    const unit = readUnit(cursor, elf.name, known);
    if (unit !== null) units.push(unit);
    cursor.at = end;
  }
  return units;
}

/** What the linker would add to offsets of names, where it has not run yet. */
function openFields(elf: ElfFile): ReadonlyMap<number, number> {
  const section = elf.sections.find(({ name }) => name === '.debug_line');
  const relocations = section === undefined ? null : elf.relocationsOf(section);
  const fields = new Map<number, number>();
  for (let rank = 0; relocations !== null && rank < relocations.count; rank++) {
    const start = elf.symbols.value(relocations.symbol(rank));
    fields.set(relocations.offset(rank), start + relocations.addend(rank));
  }
  return fields;
}

function readUnit(cursor: DwarfCursor, file: string, known: KnownPaths): CompileUnit | null {
  const version = cursor.u16();
  if (version < 2 || version > 5)
    throw malformed(file, '.debug_line', `has version ${version}, which is not known here`);
  // Sizes of an address and of a segment selector.
  if (version === 5) cursor.at += 2;
  // The header's size, minimum_instruction_length, maximum_operations (from 4 on), default_is_stmt, line_base, line_range.
  cursor.at += 4 + (version >= 4 ? 5 : 4);
  const opcodes = cursor.u8();
  cursor.at += opcodes - 1;
  const files = version === 5 ? readNamedFiles(cursor, known) : readPlainFiles(cursor, known);
  const [source] = files;
  // `<built-in>` is what the compiler defines itself.
  return source === undefined ? null : { source, files: [...new Set(files.filter((name) => !name.endsWith('>')))] };
}

/** Version 5: entry 0 of the files is the source, and of the directories the one that the compiler ran in. */
function readNamedFiles(cursor: DwarfCursor, known: KnownPaths): string[] {
  const directories = readEntries(cursor).map(({ path }) => path);
  return readEntries(cursor).map(({ path, directory }) =>
    pathOf(directory === 0 ? '' : (directories[directory] ?? ''), path, known),
  );
}

function readEntries(cursor: DwarfCursor): { path: string; directory: number }[] {
  const format = Array.from({ length: cursor.u8() }, () => [cursor.uleb(), cursor.uleb()] as const);
  return Array.from({ length: cursor.uleb() }, () => {
    const entry = { path: '', directory: 0 };
    for (const [kind, form] of format) {
      const value = cursor.value(form, 0, 0);
      if (kind === content.path) entry.path = String(value);
      else if (kind === content.directory) entry.directory = Number(value);
    }
    return entry;
  });
}

/** Before version 5: file 1 is the source; directory 0 is the one that the compiler ran in. */
function readPlainFiles(cursor: DwarfCursor, known: KnownPaths): string[] {
  const directories = [''];
  for (let text = cursor.text(); text !== ''; text = cursor.text()) directories.push(text);
  const files: string[] = [];
  for (let name = cursor.text(); name !== ''; name = cursor.text()) {
    files.push(pathOf(directories[cursor.uleb()] ?? '', name, known));
    // Time and size.
    cursor.uleb();
    cursor.uleb();
  }
  return files;
}

function pathOf(directory: string, name: string, known: KnownPaths): string {
  const inDirectory = known.get(directory) ?? new Map<string, string>();
  known.set(directory, inDirectory);
  const path = inDirectory.get(name) ?? joined(directory, name);
  inDirectory.set(name, path);
  return path;
}

/** `a/b/../c` and `a/c` are one file. */
function joined(directory: string, name: string): string {
  const path = name.startsWith('/') || directory === '' ? name : `${directory}/${name}`;
  if (!path.includes('./')) return path;
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..' && parts.length > 0 && parts.at(-1) !== '..' && parts.at(-1) !== '') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** Every kernel has units that read it, so that what stands before it is where a compiler was told that the source is. */
const landmark = 'include/linux/kernel.h';

/** The units' paths below the source tree, wherever the vendor had it and from wherever it was compiled. */
export function belowSourceTree(units: readonly CompileUnit[]): CompileUnit[] {
  const roots = new Set<string>();
  for (const { files } of units)
    for (const file of files) if (file.endsWith(`/${landmark}`)) roots.add(file.slice(0, -landmark.length));
  const known = new Map<string, string>();
  const below = (file: string): string => {
    const first = known.get(file);
    if (first !== undefined) return first;
    const root = [...roots].find((one) => file.startsWith(one)) ?? '';
    const path = file.slice(root.length);
    known.set(file, path);
    return path;
  };
  return units.map(({ source, files }) => ({ source: below(source), files: files.map(below) }));
}
