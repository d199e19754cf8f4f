// SPDX-License-Identifier: GPL-2.0-only
import { sectionType } from './constants';
import { ElfBytes, malformed, stringAt } from './elf-bytes';
import type { ElfFile } from './parse-elf';

export interface ElfNote {
  /** `GNU`, `Linux`, … */
  readonly owner: string;
  readonly type: number;
  readonly description: Uint8Array;
}

const alignTo4 = (size: number) => Math.ceil(size / 4) * 4;

/** All notes of all SHT_NOTE sections, in file order. */
export function readNotes(elf: ElfFile): ElfNote[] {
  return elf.sections
    .filter((section) => section.type === sectionType.note && section.sizeBytes > 0)
    .flatMap((section) => {
      // Eight-byte aligned notes (.note.gnu.property) are laid out otherwise, and nothing here reads them.
      return section.alignment > 4 ? [] : notesIn(elf.bytesOf(section), `${elf.name} ${section.name}`);
    });
}

function notesIn(bytes: Uint8Array, file: string): ElfNote[] {
  const data = new ElfBytes(bytes, file);
  const notes: ElfNote[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 12 > bytes.length) throw malformed(file, 'the note header', 'is cut short');
    const ownerBytes = data.u32(at);
    const descriptionBytes = data.u32(at + 4);
    const ownerAt = at + 12;
    const descriptionAt = ownerAt + alignTo4(ownerBytes);
    data.checkRange(descriptionAt, descriptionBytes, 'the note');
    notes.push({
      owner: stringAt(bytes, ownerAt, ownerAt + ownerBytes),
      type: data.u32(at + 8),
      description: bytes.subarray(descriptionAt, descriptionAt + descriptionBytes),
    });
    at = descriptionAt + alignTo4(descriptionBytes);
  }
  return notes;
}

const gnuBuildIdNote = 3;

/** The GNU build-id in lower-case hex, or null if the file has none. */
export function readBuildId(elf: ElfFile): string | null {
  const note = readNotes(elf).find(({ owner, type }) => owner === 'GNU' && type === gnuBuildIdNote);
  if (note === undefined) return null;
  return Array.from(note.description, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The bytes of one note. */
export function writeNote(note: ElfNote): Uint8Array {
  const owner = new TextEncoder().encode(`${note.owner}\0`);
  const bytes = new Uint8Array(12 + alignTo4(owner.length) + alignTo4(note.description.length));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, owner.length, true);
  view.setUint32(4, note.description.length, true);
  view.setUint32(8, note.type, true);
  bytes.set(owner, 12);
  bytes.set(note.description, 12 + alignTo4(owner.length));
  return bytes;
}
