// SPDX-License-Identifier: GPL-2.0-only
import { isPcRelative, relocationWidthBytes } from '@lockstep/domain/elf';

/** The lower half of what a relocation writes, from the lower half of S + A and of the place it writes at. */
export function fieldValue(type: number, target: number, place: number): number {
  return (isPcRelative(type) ? target - place : target) >>> 0;
}

/** What S + A was, of a value that a relocation wrote. */
export function targetOf(type: number, value: number, place: number): number {
  return (isPcRelative(type) ? value + place : value) >>> 0;
}

/** Writes as the module loader does, the upper half of 64 bits as the sign of the lower one. */
export function writeField(view: DataView, offset: number, type: number, target: number, place: number): void {
  const widthBytes = relocationWidthBytes(type) ?? 0;
  if (widthBytes === 0) return;
  const value = fieldValue(type, target, place);
  view.setUint32(offset, value, true);
  if (widthBytes === 8) view.setUint32(offset + 4, upperHalf(value), true);
}

/** All addresses of a kernel are negative as 64 bits, or small. */
export const upperHalf = (lower: number): number => (lower >= 0x8000_0000 ? 0xffff_ffff : 0);
