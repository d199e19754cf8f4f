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

/** Writes as the module loader does. */
export function writeField(
  view: DataView,
  offset: number,
  { type, address, addend, place }: { type: number; address: number; addend: number; place: number },
): void {
  const widthBytes = relocationWidthBytes(type) ?? 0;
  if (widthBytes === 0) return;
  view.setUint32(offset, fieldValue(type, address + addend, place), true);
  if (widthBytes === 8) view.setUint32(offset + 4, upperHalf(type, { address, addend, place }), true);
}

/**
 * The upper half of a field of 64 bits: all addresses of a kernel are negative as 64 bits, or small; what is added to them may be
 * a whole region's distance (`__pa()` of a variable).
 */
export function upperHalf(
  type: number,
  { address, addend, place }: { address: number; addend: number; place: number },
): number {
  const from = isPcRelative(type) ? BigInt(place | 0) : 0n;
  return Number(BigInt.asUintN(64, BigInt(address | 0) + BigInt(addend) - from) >> 32n);
}
