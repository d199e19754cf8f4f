// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, parseKernelBuildId, type KernelBuildId } from '@lockstep/domain/livepatch-model';

const noteTypeBuildId = 3; // NT_GNU_BUILD_ID, elf.h
const headerBytes = 12;
const align4 = (bytes: number): number => (bytes + 3) & ~3;

/**
 * The GNU build-id in ELF notes such as /sys/kernel/notes, in the running machine's (little-endian) byte order.
 * @throws LockstepError `corrupt` when there is none.
 */
export function buildIdFromNotes(notes: Uint8Array): KernelBuildId {
  const view = new DataView(notes.buffer, notes.byteOffset, notes.byteLength);
  let offset = 0;
  while (offset + headerBytes <= notes.byteLength) {
    const nameBytes = view.getUint32(offset, true);
    const descBytes = view.getUint32(offset + 4, true);
    const nameAt = offset + headerBytes;
    const descAt = nameAt + align4(nameBytes);
    const name = Buffer.from(notes.subarray(nameAt, nameAt + nameBytes)).toString('latin1');
    if (view.getUint32(offset + 8, true) === noteTypeBuildId && name === 'GNU\0') {
      return parseKernelBuildId(Buffer.from(notes.subarray(descAt, descAt + descBytes)).toString('hex'));
    }
    offset = descAt + align4(descBytes);
  }
  throw new LockstepError(
    'corrupt',
    'no-build-id',
    'The kernel shows no GNU build-id in /sys/kernel/notes: it was linked without --build-id and cannot be told apart.',
  );
}
