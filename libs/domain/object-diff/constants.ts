// SPDX-License-Identifier: GPL-2.0-only
import { sectionFlag } from '@lockstep/domain/elf';
import type { Range, ReferenceReader, Target } from './references';

type ConstantTarget = Target & { kind: 'chunk' };

/** The string (with its NUL) or constant that a reference means; whole where the compiler's label tells its start. */
export function constantAt(reader: ReferenceReader, target: ConstantTarget): Uint8Array {
  const { start, end } = constantRange(reader, target);
  return reader.model.elf.bytesOf(target.chunk.section).subarray(start, end);
}

/** `[start, end)` in the section of the constant that `target` means; it may be the rest of a longer string. */
export function constantRange(reader: ReferenceReader, target: ConstantTarget): Range {
  const { section } = target.chunk;
  const start = Math.max(0, target.chunk.start + target.base);
  const unitBytes = Math.max(1, section.entryBytes);
  const bytes = reader.model.elf.bytesOf(section);
  let end = start;
  if (!isString(target)) end = Math.min(start + unitBytes, bytes.length);
  else {
    const isNul = (at: number) => bytes.subarray(at, at + unitBytes).every((byte) => byte === 0);
    while (end < bytes.length && !isNul(end)) end += unitBytes;
    end = Math.min(end + unitBytes, bytes.length);
  }
  return { section, start, end };
}

/** Whether the constant is text that ends with a NUL. */
export function isString({ chunk }: ConstantTarget): boolean {
  return (chunk.section.flags & sectionFlag.strings) !== 0;
}
