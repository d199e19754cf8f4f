// SPDX-License-Identifier: GPL-2.0-only
import { open, type FileHandle } from 'node:fs/promises';
import { inflateSync } from 'node:zlib';
import { malformed, sectionFlag, sectionType } from '@lockstep/domain/elf';

const fileHeaderBytes = 64;
const headerBytes = 64;

export interface SectionHeader {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
}

/** What runs, and what names it. */
export const isCodeOrSymbols = ({ name, type, flags }: SectionHeader): boolean =>
  ((flags & sectionFlag.alloc) !== 0 && type !== sectionType.rela) ||
  type === sectionType.symtab ||
  type === sectionType.symtabShndx ||
  type === sectionType.strtab ||
  name === '.comment';

/** Where the build-id is. */
export const isNote = ({ type }: SectionHeader): boolean => type === sectionType.note;

/**
 * An ELF file with some of its sections: a whole one in itself, in which the others hold nothing. A kernel with debug
 * information is ten times what anybody here reads of it, so it is never read whole, and what is read only once.
 * @throws LockstepError `malformed-elf`
 */
export async function readSections(file: string, isNeeded: (section: SectionHeader) => boolean): Promise<Uint8Array> {
  const handle = await open(file);
  try {
    const header = Buffer.alloc(fileHeaderBytes);
    await readAt(handle, file, 0, header);
    if (header.readUInt32LE(0) !== 0x464c_457f) throw malformed(file, 'the magic number', 'is missing');
    const count = header.readUInt16LE(60);
    const namesIndex = header.readUInt16LE(62);
    if (count === 0 || namesIndex >= count) throw malformed(file, 'the section header table', 'is missing');
    const table = Buffer.alloc(count * headerBytes);
    await readAt(handle, file, Number(header.readBigUInt64LE(40)), table);
    const rows = Array.from({ length: count }, (_, row) => table.subarray(row * headerBytes, (row + 1) * headerBytes));
    const names = Buffer.alloc(Math.min(sizeOf(rows[namesIndex]), maxNamesBytes));
    await readAt(handle, file, offsetOf(rows[namesIndex]), names);
    const { size } = await handle.stat();
    const kept = rows.filter((row, index) => keepOrEmpty(row, index === namesIndex, names, isNeeded));
    if (kept.some((row) => offsetOf(row) + sizeOf(row) > size))
      throw malformed(file, 'a section', 'reaches past the end of the file');
    const inflated = new Map<Buffer, Buffer>();
    for (const row of kept) {
      if ((row.readUInt32LE(8) & compressedFlag) === 0) continue;
      const content = await readInflated(handle, file, row);
      inflated.set(row, content);
      row.writeUInt32LE(row.readUInt32LE(8) & ~compressedFlag, 8);
      row.writeBigUInt64LE(BigInt(content.length), 32);
    }
    // Where each came from, before its row tells where it goes.
    const from = kept.map(offsetOf);
    let end = fileHeaderBytes;
    for (const row of kept) {
      row.writeBigUInt64LE(BigInt(end), 24);
      end = alignUp(end + sizeOf(row));
    }
    header.writeBigUInt64LE(BigInt(end), 40);
    // No segments: nobody loads it.
    header.writeBigUInt64LE(0n, 32);
    header.writeUInt16LE(0, 56);
    const whole = Buffer.alloc(end + table.length);
    header.copy(whole);
    for (const [index, row] of kept.entries()) {
      const place = whole.subarray(offsetOf(row), offsetOf(row) + sizeOf(row));
      const content = inflated.get(row);
      if (content === undefined) await readAt(handle, file, from[index] ?? 0, place);
      else content.copy(place);
    }
    table.copy(whole, end);
    return whole;
  } finally {
    await handle.close();
  }
}

/** SHF_COMPRESSED: debug information of a kernel with CONFIG_DEBUG_INFO_COMPRESSED. */
const compressedFlag = 0x800;
/** ELFCOMPRESS_ZLIB, and the size of the header before what is compressed. */
const zlibType = 1;
const compressionHeaderBytes = 24;

async function readInflated(handle: FileHandle, file: string, row: Buffer): Promise<Buffer> {
  const bytes = Buffer.alloc(sizeOf(row));
  await readAt(handle, file, offsetOf(row), bytes);
  if (bytes.length < compressionHeaderBytes || bytes.readUInt32LE(0) !== zlibType)
    throw malformed(
      file,
      'a section',
      'is not compressed by zlib: objcopy --decompress-debug-sections makes one that is read',
    );
  const sizeBytes = Number(bytes.readBigUInt64LE(8));
  try {
    return inflateSync(bytes.subarray(compressionHeaderBytes), { maxOutputLength: sizeBytes });
  } catch {
    throw malformed(file, 'a section', 'is compressed, and broken');
  }
}

/** More than any file's section names take. */
const maxNamesBytes = 16 << 20;

const alignUp = (offset: number): number => offset + (-offset & 15);
const offsetOf = (row: Buffer | undefined): number => Number(row?.readBigUInt64LE(24) ?? 0);
const sizeOf = (row: Buffer | undefined): number => Number(row?.readBigUInt64LE(32) ?? 0);

/** Whether a section's content is kept; its row says so where it is not. */
function keepOrEmpty(
  row: Buffer,
  isNames: boolean,
  names: Buffer,
  isNeeded: (section: SectionHeader) => boolean,
): boolean {
  const type = row.readUInt32LE(4);
  if (type === sectionType.nobits || type === sectionType.null) return false;
  const nameAt = row.readUInt32LE(0);
  const name = names.toString('latin1', nameAt, names.indexOf(0, nameAt));
  if (isNames || isNeeded({ name, type, flags: row.readUInt32LE(8) })) return true;
  const keepsItsSize = type === sectionType.progbits;
  row.writeUInt32LE(keepsItsSize ? sectionType.nobits : sectionType.null, 4);
  if (!keepsItsSize) row.writeBigUInt64LE(0n, 32);
  return false;
}

/** Fills a buffer. */
async function readAt(handle: FileHandle, file: string, offset: number, buffer: Buffer): Promise<void> {
  for (let at = 0; at < buffer.length;) {
    const { bytesRead } = await handle.read(buffer, at, buffer.length - at, offset + at);
    if (bytesRead === 0) throw malformed(file, 'a section', 'reaches past the end of the file');
    at += bytesRead;
  }
}
