// SPDX-License-Identifier: GPL-2.0-only
import { readNotes, type ElfFile } from '@lockstep/domain/elf';

/** LINUX_ELFNOTE_BUILD_SALT */
const buildSaltNote = 0x100;

/** CONFIG_BUILD_SALT of a kernel, as its own note says it; null where it has none. */
export function buildSaltOf(vmlinux: ElfFile): string | null {
  const note = readNotes(vmlinux).find(({ owner, type }) => owner === 'Linux' && type === buildSaltNote);
  const salt = note === undefined ? '' : new TextDecoder('latin1').decode(note.description).replace(/\0.*$/s, '');
  return salt === '' ? null : salt;
}

/**
 * A vendor's config with the salt that its kernel has. Debian takes it out of the config that it ships, and yet it is in what is
 * compiled: notes in the vDSOs move what lies behind them.
 */
export function withBuildSalt(config: string, salt: string | null): string {
  return salt === null || /^CONFIG_BUILD_SALT=/m.test(config) ? config : `${config}CONFIG_BUILD_SALT="${salt}"\n`;
}
