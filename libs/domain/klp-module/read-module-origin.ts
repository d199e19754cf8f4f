// SPDX-License-Identifier: GPL-2.0-only
import { parseElf, readNotes, type ElfFile } from '@lockstep/domain/elf';
import { parseKernelBuildId, parsePatchId, type KernelBuildId, type PatchId } from '@lockstep/domain/livepatch-model';
import { ownNote, ownNoteOwner } from './own-notes';

/** For which kernel a module was made, and what loading it costs that kernel. */
export interface ModuleOrigin {
  /** As `uname -r` prints it; null when the module does not say. */
  readonly release: string | null;
  /** GNU build-id of the vmlinux; null in modules that are not Lockstep's, or older. */
  readonly kernelBuild: KernelBuildId | null;
  /** What it was made from; null in modules that are not Lockstep's. */
  readonly patch: PatchId | null;
  /** Symbols of vmlinux that the livepatch core looks up by name, one by one, while it loads the module. */
  readonly lookups: number;
  /** It has a signature at its end. */
  readonly isSigned: boolean;
}

const relaBytes = 24; // Elf64_Rela
const signatureMark = '~Module signature appended~\n'; // include/linux/module_signature.h

export function readModinfo(elf: ElfFile): Map<string, string> {
  const entries = elf.sections
    .filter(({ name }) => name === '.modinfo')
    .flatMap((section) => new TextDecoder().decode(elf.bytesOf(section)).split('\0'))
    .filter((entry) => entry.includes('='));
  return new Map(entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]));
}

/** As hex digits; null where there is no such note. */
function recorded(elf: ElfFile, wanted: number): string | null {
  const note = readNotes(elf).find(({ owner, type }) => owner === ownNoteOwner && type === wanted);
  if (note === undefined) return null;
  return Array.from(note.description, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What klp_resolve_symbols() goes through: every relocation of its own kind, not every symbol. */
const resolved = (elf: ElfFile): number =>
  elf.sections
    .filter(({ name }) => name.startsWith('.klp.rela.vmlinux.'))
    .reduce((sum, { sizeBytes }) => sum + sizeBytes / relaBytes, 0);

/** @param functions how many functions of vmlinux it changes */
export function originOf(elf: ElfFile, bytes: Uint8Array, functions: number): ModuleOrigin {
  const [build, patch] = [recorded(elf, ownNote.kernelBuild), recorded(elf, ownNote.patchId)];
  const end = new TextDecoder('latin1').decode(bytes.subarray(Math.max(0, bytes.length - signatureMark.length)));
  return {
    release: readModinfo(elf).get('vermagic')?.split(' ')[0] ?? null,
    kernelBuild: build === null ? null : parseKernelBuildId(build),
    patch: patch === null ? null : parsePatchId(patch),
    lookups: functions + resolved(elf),
    isSigned: end === signatureMark,
  };
}

/**
 * Reads any kernel module.
 * @param functions how many functions of vmlinux it is known to change
 * @throws LockstepError `invalid-input` `malformed-elf`
 */
export const readModuleOrigin = (bytes: Uint8Array, file: string, functions: number): ModuleOrigin =>
  originOf(parseElf(bytes, file), bytes, functions);
