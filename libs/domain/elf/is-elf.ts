// SPDX-License-Identifier: GPL-2.0-only
const magic = [0x7f, 0x45, 0x4c, 0x46];

/** By its first bytes. An object may be something else: clang's bitcode, say. */
export const isElf = (bytes: Uint8Array): boolean => magic.every((byte, at) => bytes[at] === byte);
