// SPDX-License-Identifier: GPL-2.0-only
import { ElfBytes, malformed, parseElf, stringAt } from '@lockstep/domain/elf';
import type { Member, Type, TypeGraph } from './type-graph';

/** BTF_KIND_*. Source: include/uapi/linux/btf.h. */
const kind = {
  int: 1,
  pointer: 2,
  array: 3,
  struct: 4,
  union: 5,
  enum: 6,
  forward: 7,
  typedef: 8,
  volatile: 9,
  const: 10,
  restrict: 11,
  function: 12,
  prototype: 13,
  variable: 14,
  section: 15,
  float: 16,
  declarationTag: 17,
  typeTag: 18,
  enum64: 19,
} as const;

const magic = 0xeb9f;

/** Bytes of what follows the 12 common ones, by kind: a fixed part, and one for each of `vlen`. */
const following: Readonly<Record<number, readonly [fixed: number, each: number]>> = {
  [kind.int]: [4, 0],
  [kind.array]: [12, 0],
  [kind.struct]: [0, 12],
  [kind.union]: [0, 12],
  [kind.enum]: [0, 8],
  [kind.prototype]: [0, 8],
  [kind.variable]: [4, 0],
  [kind.section]: [0, 12],
  [kind.declarationTag]: [4, 0],
  [kind.enum64]: [0, 12],
};

/**
 * The types in the `.BTF` section of a kernel; null where it has none. Linear in it.
 * @throws LockstepError `invalid-input`
 */
export function readBtf(file: Uint8Array, name: string): TypeGraph | null {
  const elf = parseElf(file, name);
  const section = elf.sections.find((one) => one.name === '.BTF');
  if (section === undefined || section.sizeBytes < 24) return null;
  const bytes = new ElfBytes(elf.bytesOf(section), name);
  if (bytes.u16(0) !== magic) throw malformed(name, '.BTF', 'does not begin with its magic number');
  const headerBytes = bytes.u32(4);
  const [typesAt, typesBytes] = [headerBytes + bytes.u32(8), bytes.u32(12)];
  const [stringsAt, stringsBytes] = [headerBytes + bytes.u32(16), bytes.u32(20)];
  bytes.checkRange(typesAt, typesBytes, '.BTF types');
  bytes.checkRange(stringsAt, stringsBytes, '.BTF strings');
  const text = (offset: number): string | null =>
    offset === 0 ? null : stringAt(bytes.bytes, stringsAt + offset, stringsAt + stringsBytes);
  const types = new Map<number, Type>();
  let at = typesAt;
  for (let id = 1; at < typesAt + typesBytes; id++) {
    const info = bytes.u32(at + 4);
    const [of, count] = [(info >>> 24) & 0x1f, info & 0xffff];
    const type = readType(bytes, { at, of, count, isBitField: info >>> 31 === 1, text });
    if (type !== null) types.set(id, type);
    const [fixed, each] = following[of] ?? [0, 0];
    at += 12 + fixed + each * count;
  }
  return { types, uses: [] };
}

interface Row {
  readonly at: number;
  readonly of: number;
  readonly count: number;
  readonly isBitField: boolean;
  readonly text: (offset: number) => string | null;
}

function readType(bytes: ElfBytes, { at, of, count, isBitField, text }: Row): Type | null {
  const name = text(bytes.u32(at));
  const sizeOrType = bytes.u32(at + 8);
  const rows = <T>(each: number, read: (from: number) => T): T[] =>
    Array.from({ length: count }, (_, index) => read(at + 12 + index * each));
  switch (of) {
    case kind.int:
    case kind.float:
      return { kind: 'base', name: name ?? '', sizeBytes: sizeOrType, encoding: 0 };
    case kind.pointer:
      return { kind: 'pointer', to: sizeOrType };
    case kind.array:
      return { kind: 'array', of: bytes.u32(at + 12), counts: [bytes.u32(at + 20)] };
    case kind.struct:
    case kind.union: {
      const members = rows(12, (from): Member => {
        const place = bytes.u32(from + 8);
        const bits = isBitField ? place >>> 24 : 0;
        const bitOffset = isBitField ? place & 0xff_ffff : place;
        return { name: text(bytes.u32(from)), type: bytes.u32(from + 4), bitOffset, bitSize: bits === 0 ? null : bits };
      });
      return { kind: of === kind.union ? 'union' : 'struct', name, sizeBytes: sizeOrType, members };
    }
    case kind.forward:
      return { kind: 'struct', name, sizeBytes: null, members: [] };
    case kind.enum:
    case kind.enum64: {
      const each = of === kind.enum ? 8 : 12;
      const values = rows(each, (from): [string, number] => [text(bytes.u32(from)) ?? '', bytes.u32(from + 4) | 0]);
      return { kind: 'enum', name, values };
    }
    case kind.prototype:
      return { kind: 'function', returns: sizeOrType, parameters: rows(8, (from) => bytes.u32(from + 4)) };
    case kind.typedef:
      return { kind: 'typedef', name: name ?? '', of: sizeOrType };
    case kind.const:
    case kind.volatile:
    case kind.restrict:
    case kind.typeTag:
      return { kind: 'qualified', of: sizeOrType };
    default:
      return null;
  }
}
