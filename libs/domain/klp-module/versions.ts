// SPDX-License-Identifier: GPL-2.0-only
import { sectionFlag, sectionType } from '@lockstep/domain/elf';
import type { KernelFacts } from './kernel-facts';
import type { Content } from './module-image';
import { moduleRefusal } from './module-refusal';

/** The kernel checks this one for every module: the layout of struct module. */
const moduleLayout = 'module_layout';

/** `__versions`: the CRC of each symbol that the module links against; null without CONFIG_MODVERSIONS. */
export function versionsTable(names: readonly string[], { layouts, exports }: KernelFacts): Content | null {
  const { sizeBytes, crc, name: nameOffset } = layouts.modversionInfo;
  if (sizeBytes === 0) return null;
  const versioned = [moduleLayout, ...names].filter((name) => exports.has(name));
  const bytes = new Uint8Array(sizeBytes * versioned.length);
  const view = new DataView(bytes.buffer);
  versioned.forEach((name, index) => {
    const encoded = new TextEncoder().encode(name);
    if (encoded.length >= sizeBytes - nameOffset) {
      throw moduleRefusal('symbol-name-too-long', `${name} does not fit into __versions.`, {
        object: 'the module',
        function: name,
        action: 'refer to it through a function with a shorter name',
      });
    }
    view.setUint32(index * sizeBytes + crc, exports.get(name)?.crc ?? 0, true);
    bytes.set(encoded, index * sizeBytes + nameOffset);
  });
  return {
    section: '__versions',
    sectionType: sectionType.progbits,
    sectionFlags: sectionFlag.alloc,
    alignment: 8,
    bytes,
    sizeBytes: bytes.length,
  };
}
