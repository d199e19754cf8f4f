// SPDX-License-Identifier: GPL-2.0-only
import { malformed, parseElf, type ElfFile } from '@lockstep/domain/elf';
import { DwarfCursor, type FormValue } from './dwarf-cursor';
import type { Member, Type, TypeGraph, TypeUse } from './type-graph';

/** DW_TAG_* and DW_AT_* of what C has. Source: DWARF 5, tables 7.3 and 7.5. */
export const tag = {
  array: 0x01,
  enumeration: 0x04,
  formalParameter: 0x05,
  member: 0x0d,
  pointer: 0x0f,
  structure: 0x13,
  subroutine: 0x15,
  typedef: 0x16,
  union: 0x17,
  subrange: 0x21,
  base: 0x24,
  constant: 0x26,
  enumerator: 0x28,
  subprogram: 0x2e,
  variable: 0x34,
  volatile: 0x35,
  restrict: 0x37,
  atomic: 0x47,
} as const;

export const attribute = {
  location: 0x02,
  name: 0x03,
  byteSize: 0x0b,
  bitOffset: 0x0c,
  bitSize: 0x0d,
  constValue: 0x1c,
  upperBound: 0x2f,
  abstractOrigin: 0x31,
  count: 0x37,
  memberLocation: 0x38,
  encoding: 0x3e,
  specification: 0x47,
  type: 0x49,
  dataBitOffset: 0x6b,
} as const;

/** DW_OP_addr: a variable with an address of its own. */
const addressOperation = 0x03;
const addressBytes = 8;

interface Abbreviation {
  readonly tag: number;
  readonly hasChildren: boolean;
  /** attribute, form, implicit value; one after the other. */
  readonly fields: readonly number[];
}

/** What the compiler says of one thing, with what it consists of. */
export interface Entry {
  readonly tag: number;
  readonly place: number;
  readonly children: Entry[];
  /** Where in .debug_info its address is, of a variable that has one. */
  readonly addressAt: number | undefined;
  readonly get: (wanted: number) => FormValue | undefined;
}

/** Told of each entry when its last child is there, with those that it lies in. */
export type Visit = (entry: Entry, path: readonly Entry[]) => void;

/**
 * The types of an object and where it uses them, from its DWARF 4 or 5. Linear in it. References go by the place in
 * .debug_info.
 * @throws LockstepError `invalid-input` where there is none, or one that is not understood
 */
export function readDwarf(object: Uint8Array, name: string): TypeGraph {
  const graph = new GraphBuilder();
  readEntries(parseElf(object, name), (entry, path) => {
    graph.close(entry, path);
  });
  return graph.done();
}

/** @throws LockstepError `invalid-input` as readDwarf does */
export function readEntries(elf: ElfFile, visit: Visit): void {
  const cursor = cursorOver(elf, '.debug_info');
  while (!cursor.isAtEnd) readUnit(elf, cursor, visit);
}

const nothing = new Uint8Array(0);

function sectionBytes(elf: ElfFile, name: string): Uint8Array {
  const section = elf.sections.find((one) => one.name === name);
  return section === undefined ? nothing : elf.bytesOf(section);
}

function cursorOver(elf: ElfFile, name: string): DwarfCursor {
  const section = elf.sections.find((one) => one.name === name);
  if (section === undefined) throw malformed(elf.name, name, 'is missing: it was compiled without debug information');
  const relocated = new Map<number, number>();
  const relocations = elf.relocationsOf(section);
  for (let rank = 0; relocations !== null && rank < relocations.count; rank++) {
    const value = elf.symbols.value(relocations.symbol(rank)) + relocations.addend(rank);
    relocated.set(relocations.offset(rank), value);
  }
  const strings = { str: sectionBytes(elf, '.debug_str'), lineStr: sectionBytes(elf, '.debug_line_str') };
  return new DwarfCursor(elf.name, elf.bytesOf(section), relocated, strings);
}

function readUnit(elf: ElfFile, cursor: DwarfCursor, visit: Visit): void {
  const unit = cursor.at;
  const lengthBytes = cursor.u32();
  const end = cursor.at + lengthBytes;
  const version = cursor.u16();
  if (version !== 4 && version !== 5) throw malformed(elf.name, '.debug_info', `is of version ${version}, not 4 or 5`);
  if (version === 5) cursor.at += 2;
  const abbreviations = readAbbreviations(elf, cursor.u32());
  if (version === 4) cursor.at += 1;
  const path: Entry[] = [];
  while (cursor.at < end) {
    const place = cursor.at;
    const code = cursor.uleb();
    if (code === 0) {
      const closed = path.pop();
      if (closed !== undefined) visit(closed, path);
      continue;
    }
    const abbreviation = abbreviations.get(code);
    if (abbreviation === undefined) throw malformed(elf.name, '.debug_abbrev', `has no entry ${code}`);
    const entry = readEntry(cursor, abbreviation, place, unit);
    path.at(-1)?.children.push(entry);
    if (abbreviation.hasChildren) path.push(entry);
    else visit(entry, path);
  }
}

function readAbbreviations(elf: ElfFile, offset: number): Map<number, Abbreviation> {
  const none = { str: nothing, lineStr: nothing };
  const cursor = new DwarfCursor(elf.name, sectionBytes(elf, '.debug_abbrev'), new Map(), none, offset);
  const found = new Map<number, Abbreviation>();
  for (let code = cursor.uleb(); code !== 0; code = cursor.uleb()) {
    const [kind, hasChildren] = [cursor.uleb(), cursor.u8() === 1];
    const fields: number[] = [];
    for (;;) {
      const [name, form] = [cursor.uleb(), cursor.uleb()];
      // DW_FORM_implicit_const has its value here.
      const implicit = form === 0x21 ? cursor.sleb() : 0;
      if (name === 0 && form === 0) break;
      fields.push(name, form, implicit);
    }
    found.set(code, { tag: kind, hasChildren, fields });
  }
  return found;
}

function readEntry(cursor: DwarfCursor, { tag: kind, fields }: Abbreviation, place: number, unit: number): Entry {
  const values: FormValue[] = [];
  let addressAt: number | undefined;
  for (let field = 0; field < fields.length; field += 3) {
    const value = cursor.value(fields[field + 1] ?? 0, unit, fields[field + 2] ?? 0);
    values.push(value);
    if (fields[field] === attribute.location && value === addressOperation) addressAt = cursor.at - addressBytes;
  }
  const get = (wanted: number): FormValue | undefined => {
    for (let field = 0; field < fields.length; field += 3) if (fields[field] === wanted) return values[field / 3];
    return undefined;
  };
  return { tag: kind, place, children: [], addressAt, get };
}

export const text = (value: FormValue | undefined): string | null => (typeof value === 'string' ? value : null);
export const number = (value: FormValue | undefined): number | null => (typeof value === 'number' ? value : null);
const typeOf = (entry: Entry): number => number(entry.get(attribute.type)) ?? 0;

/** Makes types and uses of entries, each when its last child is there. */
class GraphBuilder {
  private readonly types = new Map<number, Type>();
  private readonly uses = new Map<number, TypeUse>();
  /** Variables that one of their instances shows to have an address. */
  private readonly addressed = new Set<number>();

  close(entry: Entry, path: readonly Entry[]): void {
    const type = typeFrom(entry);
    if (type !== null) this.types.set(entry.place, type);
    else this.addUse(entry, path);
  }

  done(): TypeGraph {
    const uses = Array.from(this.uses, ([place, use]): TypeUse => {
      return this.addressed.has(place) ? { ...use, kind: 'static' } : use;
    });
    return { types: this.types, uses };
  }

  private addUse(entry: Entry, path: readonly Entry[]): void {
    const name = text(entry.get(attribute.name));
    const owner = path.findLast((one) => one.tag === tag.subprogram);
    const within = owner === undefined ? null : text(owner.get(attribute.name));
    const type = number(entry.get(attribute.type));
    if (entry.tag === tag.variable) {
      const origin = number(entry.get(attribute.abstractOrigin)) ?? number(entry.get(attribute.specification));
      const hasAddress = entry.get(attribute.location) === addressOperation;
      if (hasAddress && origin !== null) this.addressed.add(origin);
      if (type === null) return;
      const kind = owner === undefined || hasAddress ? 'static' : 'automatic';
      this.uses.set(entry.place, { kind, type, function: within, name });
    } else if (type === null) return;
    else if (entry.tag === tag.subprogram) this.uses.set(entry.place, { kind: 'return', type, function: name, name });
    else if (entry.tag === tag.formalParameter && owner !== undefined) {
      this.uses.set(entry.place, { kind: 'parameter', type, function: within, name });
    }
  }
}

function typeFrom(entry: Entry): Type | null {
  const name = text(entry.get(attribute.name));
  const sizeBytes = number(entry.get(attribute.byteSize));
  switch (entry.tag) {
    case tag.base:
      return {
        kind: 'base',
        name: name ?? '',
        sizeBytes: sizeBytes ?? 0,
        encoding: number(entry.get(attribute.encoding)) ?? 0,
      };
    case tag.pointer:
      return { kind: 'pointer', to: typeOf(entry) };
    case tag.structure:
    case tag.union:
      return {
        kind: entry.tag === tag.union ? 'union' : 'struct',
        name,
        sizeBytes,
        members: entry.children.filter((child) => child.tag === tag.member).map(memberFrom),
      };
    case tag.enumeration:
      return {
        kind: 'enum',
        name,
        values: entry.children.map((child) => [
          text(child.get(attribute.name)) ?? '',
          number(child.get(attribute.constValue)) ?? 0,
        ]),
      };
    case tag.array:
      return { kind: 'array', of: typeOf(entry), counts: entry.children.map(countFrom) };
    case tag.subroutine: {
      const parameters = entry.children.filter((child) => child.tag === tag.formalParameter);
      return { kind: 'function', returns: typeOf(entry), parameters: parameters.map(typeOf) };
    }
    case tag.typedef:
      return { kind: 'typedef', name: name ?? '', of: typeOf(entry) };
    case tag.constant:
    case tag.volatile:
    case tag.restrict:
    case tag.atomic:
      return { kind: 'qualified', of: typeOf(entry) };
    default:
      return null;
  }
}

function countFrom(subrange: Entry): number | null {
  const upper = number(subrange.get(attribute.upperBound));
  return upper === null ? number(subrange.get(attribute.count)) : upper + 1;
}

function memberFrom(entry: Entry): Member {
  const bitSize = number(entry.get(attribute.bitSize));
  const start = (number(entry.get(attribute.memberLocation)) ?? 0) * 8;
  // DWARF 4 counts a bit-field from the most significant bit of its storage, 5 from the struct's start.
  const storageBits = (number(entry.get(attribute.byteSize)) ?? 0) * 8;
  const old = number(entry.get(attribute.bitOffset));
  const bitOffset =
    number(entry.get(attribute.dataBitOffset)) ??
    (old === null || bitSize === null ? start : start + storageBits - old - bitSize);
  return { name: text(entry.get(attribute.name)), type: typeOf(entry), bitOffset, bitSize };
}
