// SPDX-License-Identifier: GPL-2.0-only

/** Notes of Lockstep's modules are in `.note.lockstep`; /sys/module/<name>/notes shows them. */
export const ownNoteOwner = 'Lockstep';

/** What a note holds, by its type. */
export const ownNote = {
  /** The patch's id (32 bytes). */
  patchId: 1,
  /** GNU build-id of the vmlinux that the module was made for. */
  kernelBuild: 2,
} as const;
