// SPDX-License-Identifier: GPL-2.0-only
import { malformed, parseElf, sectionFlag, sectionType, type ElfFile, type ElfSection } from '@lockstep/domain/elf';
import type { ModuleName } from '@lockstep/domain/livepatch-model';
import type { LivepatchLayouts } from './kernel-facts';
import type { ModuleImage, Place } from './module-image';

const thisModule = '.gnu.linkonce.this_module';

/** What the rest of the module refers to in the glue, and what the glue wants from it. */
export interface PlacedGlue {
  readonly thisModule: Place;
  /** `key=value` strings of its .modinfo. */
  readonly modinfo: readonly string[];
  /** Relocations against symbols that the glue only declares (`lockstep_patch`, `klp_enable_patch`, …). */
  readonly open: readonly OpenRelocation[];
}

export interface OpenRelocation {
  readonly place: Place;
  readonly offset: number;
  readonly type: number;
  readonly name: string;
  readonly addend: number;
}

/** What the module is to be called, and whether it may be removed: the kernel keeps one without an exit for good. */
export interface GlueOptions {
  readonly name: ModuleName;
  readonly staysLoaded: boolean;
}

/** Copies the compiled glue into the image. */
export function addGlue(
  image: ModuleImage,
  glue: Uint8Array,
  { name, staysLoaded }: GlueOptions,
  layouts: LivepatchLayouts,
): PlacedGlue {
  const elf = parseElf(glue, 'the compiled module glue');
  const places = new Map<number, Place>();
  for (const section of elf.sections.filter(isCarried)) {
    const bytes = elf.bytesOf(section).slice();
    if (section.name === thisModule) writeModuleName(bytes, name, layouts);
    const { type, flags, alignment, sizeBytes } = section;
    const content = { section: section.name, sectionType: type, sectionFlags: flags, alignment, bytes, sizeBytes };
    places.set(section.index, image.add(content));
  }
  const leftOut = staysLoaded ? 'cleanup_module' : '';
  const open = [...places].flatMap(([index, place]) => relocateSection(image, elf, places, { index, place, leftOut }));
  const own = places.get(elf.sections.findIndex(({ name: section }) => section === thisModule));
  if (own === undefined) throw malformed(elf.name, thisModule, 'is missing');
  return { thisModule: own, modinfo: readModinfo(elf), open };
}

const isCarried = ({ flags, sizeBytes, type, name }: ElfSection) =>
  (flags & sectionFlag.alloc) !== 0 && sizeBytes > 0 && type !== sectionType.note && name !== '.modinfo';

function writeModuleName(bytes: Uint8Array, name: ModuleName, { module, moduleNameBytes }: LivepatchLayouts): void {
  bytes.fill(0, module.name, module.name + moduleNameBytes);
  bytes.set(new TextEncoder().encode(name), module.name);
}

function relocateSection(
  image: ModuleImage,
  elf: ElfFile,
  places: ReadonlyMap<number, Place>,
  { index, place, leftOut }: { index: number; place: Place; leftOut: string },
): OpenRelocation[] {
  const section = elf.sections[index];
  const table = section === undefined ? null : elf.relocationsOf(section);
  const open: OpenRelocation[] = [];
  for (let rank = 0; table !== null && rank < table.count; rank++) {
    const symbol = table.symbol(rank);
    if (leftOut !== '' && elf.symbols.name(symbol) === leftOut) continue;
    const offset = place.offset + table.offset(rank);
    const type = table.type(rank);
    const addend = table.addend(rank);
    if (!elf.symbols.isDefined(symbol)) {
      open.push({ place, offset, type, name: elf.symbols.name(symbol), addend });
      continue;
    }
    const target = places.get(elf.symbols.section(symbol));
    if (target === undefined) throw malformed(elf.name, elf.symbols.name(symbol), 'lies in a section that is not kept');
    const value = target.offset + elf.symbols.value(symbol) + addend;
    image.relocate(place, { offset, type, symbol: image.sectionSymbol(target), addend: value });
  }
  return open;
}

function readModinfo(elf: ElfFile): string[] {
  return elf.sections
    .filter(({ name }) => name === '.modinfo')
    .flatMap((section) => new TextDecoder().decode(elf.bytesOf(section)).split('\0'))
    .filter((entry) => entry !== '');
}
