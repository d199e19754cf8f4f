// SPDX-License-Identifier: GPL-2.0-only
// Names and values as in the System V ABI, its x86_64 supplement, and include/uapi/linux/elf.h.

export const sectionType = {
  null: 0,
  progbits: 1,
  symtab: 2,
  strtab: 3,
  rela: 4,
  note: 7,
  nobits: 8,
  rel: 9,
  group: 17,
  symtabShndx: 18,
} as const;

export const sectionFlag = {
  write: 0x1,
  alloc: 0x2,
  exec: 0x4,
  merge: 0x10,
  strings: 0x20,
  infoLink: 0x40,
  linkOrder: 0x80,
  /** SHF_RELA_LIVEPATCH: the module loader leaves these relocations to kernel/livepatch. */
  relaLivepatch: 0x0010_0000,
} as const;

export const sectionIndex = {
  undefined: 0,
  /** From here on an index means something else than a section. */
  reserved: 0xff00,
  /** SHN_LIVEPATCH: kernel/livepatch resolves the symbol. */
  livepatch: 0xff20,
  absolute: 0xfff1,
  common: 0xfff2,
  /** The real index is in the SHT_SYMTAB_SHNDX section. */
  extended: 0xffff,
} as const;

export const symbolBinding = { local: 0, global: 1, weak: 2 } as const;
export const symbolType = { none: 0, object: 1, function: 2, section: 3, file: 4 } as const;

export const relocationType = {
  none: 0,
  absolute64: 1,
  pc32: 2,
  plt32: 4,
  absolute32: 10,
  absolute32Signed: 11,
  pc64: 24,
} as const;

/** Bytes that a relocation writes; undefined for types the kernel's module loader does not apply. */
export function relocationWidthBytes(type: number): number | undefined {
  switch (type) {
    case relocationType.none:
      return 0;
    case relocationType.absolute64:
    case relocationType.pc64:
      return 8;
    case relocationType.pc32:
    case relocationType.plt32:
    case relocationType.absolute32:
    case relocationType.absolute32Signed:
      return 4;
    default:
      return undefined;
  }
}

/** Whether the written value is relative to the place it is written at. */
export function isPcRelative(type: number): boolean {
  return type === relocationType.pc32 || type === relocationType.plt32 || type === relocationType.pc64;
}

export const elfHeaderBytes = 64;
export const sectionHeaderBytes = 64;
export const symbolBytes = 24;
export const relaBytes = 24;
