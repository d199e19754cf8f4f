// SPDX-License-Identifier: GPL-2.0-only
import { sectionHeaderBytes, sectionType } from './constants';
import { malformed, type ElfBytes } from './elf-bytes';
import { StringTable } from './string-table';

export interface ElfSection {
  readonly index: number;
  readonly name: string;
  /** One of `sectionType`, or another SHT_ value. */
  readonly type: number;
  /** `sectionFlag` bits. */
  readonly flags: number;
  /** Offset in the file (bytes). */
  readonly offset: number;
  readonly sizeBytes: number;
  readonly link: number;
  readonly info: number;
  /** At least 1. */
  readonly alignment: number;
  readonly entryBytes: number;
}

const hasContent = (type: number) => type !== sectionType.nobits && type !== sectionType.null;

/** The section headers: a large relocatable has 100,000, so they are read where they lie and made objects on demand. */
export class SectionTable {
  private readonly made: (ElfSection | undefined)[];

  private constructor(
    private readonly data: ElfBytes,
    private readonly offset: number,
    readonly count: number,
    readonly names: StringTable,
  ) {
    this.made = new Array<ElfSection | undefined>(count);
  }

  /** @throws LockstepError unless all headers and what they claim lie in the file */
  static read(data: ElfBytes): SectionTable {
    const { file } = data;
    const offset = data.u64(40, 'e_shoff');
    if (offset === 0) throw malformed(file, 'e_shoff', 'is 0: there are no sections');
    if (data.u16(58) !== sectionHeaderBytes) throw malformed(file, 'e_shentsize', 'is not 64');
    data.checkRange(offset, sectionHeaderBytes, 'the section header table');
    // With 0xff00 sections or more the real numbers are in the first section header.
    const count = data.u16(60) === 0 ? data.u64(offset + 32, 'the section count') : data.u16(60);
    const namesIndex = data.u16(62) === 0xffff ? data.u32(offset + 40) : data.u16(62);
    data.checkRange(offset, count * sectionHeaderBytes, 'the section header table');
    if (namesIndex >= count) throw malformed(file, 'e_shstrndx', 'names no section', { namesIndex, count });
    const namesHeader = offset + namesIndex * sectionHeaderBytes;
    const namesOffset = data.u64(namesHeader + 24, 'sh_offset of the section names');
    const namesBytes = data.u64(namesHeader + 32, 'sh_size of the section names');
    data.checkRange(namesOffset, namesBytes, 'the section names');
    const names = new StringTable(data.bytes.subarray(namesOffset, namesOffset + namesBytes));
    const table = new SectionTable(data, offset, count, names);
    table.validate(namesBytes);
    return table;
  }

  /** sh_name: where its name is in `names`. */
  nameOffset(section: number): number {
    return this.data.u32(this.at(section));
  }

  type(section: number): number {
    return this.data.u32(this.at(section) + 4);
  }

  flags(section: number): number {
    return this.data.u32(this.at(section) + 8);
  }

  /** The lower half of sh_addr: kernel addresses are beyond 2^53. */
  addressLow(section: number): number {
    return this.data.u32(this.at(section) + 16);
  }

  /** In the file (bytes). */
  contentOffset(section: number): number {
    return this.u64(section, 24);
  }

  sizeBytes(section: number): number {
    return this.u64(section, 32);
  }

  link(section: number): number {
    return this.data.u32(this.at(section) + 40);
  }

  info(section: number): number {
    return this.data.u32(this.at(section) + 44);
  }

  alignment(section: number): number {
    return Math.max(1, this.u64(section, 48));
  }

  entryBytes(section: number): number {
    return this.u64(section, 56);
  }

  name(section: number): string {
    return this.names.text(this.nameOffset(section));
  }

  /** All about one section; the same object every time. Undefined beyond the last one. */
  section(index: number): ElfSection | undefined {
    if (index >= this.count) return undefined;
    return (this.made[index] ??= {
      index,
      name: this.name(index),
      type: this.type(index),
      flags: this.flags(index),
      offset: this.contentOffset(index),
      sizeBytes: this.sizeBytes(index),
      link: this.link(index),
      info: this.info(index),
      alignment: this.alignment(index),
      entryBytes: this.entryBytes(index),
    });
  }

  private at(section: number): number {
    return this.offset + section * sectionHeaderBytes;
  }

  private u64(section: number, field: number): number {
    const at = this.at(section) + field;
    return this.data.u32(at) + this.data.u32(at + 4) * 0x1_0000_0000;
  }

  private validate(namesBytes: number): void {
    const { file, bytes } = this.data;
    let contentBytes = 0;
    for (let section = 0; section < this.count; section++) {
      if (this.nameOffset(section) >= namesBytes && this.nameOffset(section) !== 0) {
        throw malformed(file, `sh_name of section ${section}`, 'lies outside the section names');
      }
      const sizeBytes = this.sizeBytes(section);
      if (sizeBytes > 0x7fff_ffff) throw this.bad(section, 'sh_size', 'is beyond 2 GiB');
      if (this.entryBytes(section) > 0x7fff_ffff) throw this.bad(section, 'sh_entsize', 'is beyond 2 GiB');
      if (this.data.u32(this.at(section) + 12) !== 0) throw this.bad(section, 'sh_flags', 'has unknown bits');
      const alignment = this.alignment(section);
      if (alignment > 0x4000_0000 || (alignment & (alignment - 1)) !== 0) {
        throw this.bad(section, 'sh_addralign', 'is not a power of two');
      }
      if (!hasContent(this.type(section))) continue;
      if (this.contentOffset(section) + sizeBytes > bytes.length) {
        throw this.bad(section, 'sh_size', 'reaches past the end of the file');
      }
      contentBytes += sizeBytes;
    }
    // Overlapping sections would let a small file claim gigabytes of symbols and relocations.
    if (contentBytes > bytes.length) throw malformed(file, 'the section header table', 'has overlapping sections');
  }

  private bad(section: number, field: string, problem: string) {
    return malformed(this.data.file, `${field} of section ${section} (${this.name(section)})`, problem);
  }
}
