// SPDX-License-Identifier: GPL-2.0-only
import { malformed, stringAt } from '@lockstep/domain/elf';

/** DW_FORM_*, as far as compilers use them for C. Source: DWARF 5, table 7.6. */
const form = {
  addr: 0x01,
  block2: 0x03,
  block4: 0x04,
  data2: 0x05,
  data4: 0x06,
  data8: 0x07,
  string: 0x08,
  block: 0x09,
  block1: 0x0a,
  data1: 0x0b,
  flag: 0x0c,
  sdata: 0x0d,
  strp: 0x0e,
  udata: 0x0f,
  refAddr: 0x10,
  ref1: 0x11,
  ref2: 0x12,
  ref4: 0x13,
  ref8: 0x14,
  refUdata: 0x15,
  secOffset: 0x17,
  exprloc: 0x18,
  flagPresent: 0x19,
  data16: 0x1e,
  lineStrp: 0x1f,
  refSig8: 0x20,
  implicitConst: 0x21,
} as const;

/** A number; a text; the first byte of an expression (-1 if it is empty); null where the value does not matter. */
export type FormValue = number | string | null;

/** Strings that forms point at. */
export interface DwarfStrings {
  readonly str: Uint8Array;
  readonly lineStr: Uint8Array;
}

/** Reads DWARF one value after the other. 64-bit DWARF, which no kernel build makes, is refused by its reader. */
export class DwarfCursor {
  private readonly view: DataView;
  /** Of `.debug_line_str`, by place: thousands of names, each told a thousand times. */
  private readonly lineStrings = new Map<number, string>();

  constructor(
    private readonly file: string,
    private readonly bytes: Uint8Array,
    /** By place: what the linker would have added to it, where relocations are still open. */
    private readonly relocated: ReadonlyMap<number, number>,
    private readonly strings: DwarfStrings,
    public at = 0,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get isAtEnd(): boolean {
    return this.at >= this.bytes.length;
  }

  u8(): number {
    return this.bytes[this.at++] ?? 0;
  }

  u16(): number {
    this.at += 2;
    return this.view.getUint16(this.at - 2, true);
  }

  u32(): number {
    const value = this.relocated.get(this.at) ?? this.view.getUint32(this.at, true);
    this.at += 4;
    return value;
  }

  uleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  sleb(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - scale * 128;
    }
  }

  text(): string {
    const start = this.at;
    const end = this.bytes.indexOf(0, start);
    this.at = end + 1;
    return stringAt(this.bytes, start, end);
  }

  /** @param unit where the unit begins, which references count from */
  value(kind: number, unit: number, implicit: number): FormValue {
    switch (kind) {
      case form.addr:
      case form.refSig8:
        return this.skip(8);
      case form.data1:
      case form.flag:
        return this.u8();
      case form.data2:
        return this.u16();
      case form.data4:
      case form.secOffset:
        return this.u32();
      case form.data8:
        return this.u32() + this.u32() * 0x1_0000_0000;
      case form.data16:
        return this.skip(16);
      case form.sdata:
        return this.sleb();
      case form.udata:
        return this.uleb();
      case form.flagPresent:
        return 1;
      case form.implicitConst:
        return implicit;
      case form.string:
        return this.text();
      case form.strp:
        return this.stringAt(this.strings.str, this.u32());
      case form.lineStrp:
        return this.lineString(this.u32());
      default:
        return this.referenceOrBlock(kind, unit);
    }
  }

  private referenceOrBlock(kind: number, unit: number): FormValue {
    switch (kind) {
      case form.refAddr:
        return this.u32();
      case form.ref1:
        return unit + this.u8();
      case form.ref2:
        return unit + this.u16();
      case form.ref4:
        return unit + this.u32();
      case form.ref8:
        return unit + this.u32() + this.u32() * 0x1_0000_0000;
      case form.refUdata:
        return unit + this.uleb();
      case form.exprloc:
      case form.block:
        return this.block(this.uleb());
      case form.block1:
        return this.block(this.u8());
      case form.block2:
        return this.block(this.u16());
      case form.block4:
        return this.block(this.u32());
      default:
        throw malformed(this.file, '.debug_info', `has the form 0x${kind.toString(16)}, which is not known here`);
    }
  }

  private block(sizeBytes: number): number {
    const first = sizeBytes === 0 ? -1 : (this.bytes[this.at] ?? -1);
    this.at += sizeBytes;
    return first;
  }

  private skip(sizeBytes: number): null {
    this.at += sizeBytes;
    return null;
  }

  private stringAt(strings: Uint8Array, start: number): string {
    return stringAt(strings, start, strings.indexOf(0, start));
  }

  private lineString(start: number): string {
    const known = this.lineStrings.get(start);
    if (known !== undefined) return known;
    const text = this.stringAt(this.strings.lineStr, start);
    this.lineStrings.set(start, text);
    return text;
  }
}
