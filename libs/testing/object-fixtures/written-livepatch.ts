// SPDX-License-Identifier: GPL-2.0-only
import {
  relocationType,
  sectionFlag,
  sectionType,
  symbolBinding,
  symbolType,
  writeNote,
  writeRelocatable,
  type OutputRelocation,
  type OutputSection,
  type OutputSymbol,
} from '@lockstep/domain/elf';
import type { ArtifactManifest } from '@lockstep/domain/livepatch-model';

/** What a livepatch module's file says about itself. */
export type SaidOfModule = Pick<ArtifactManifest, 'moduleName' | 'kernelBuild' | 'functions' | 'replace'> & {
  readonly release: string;
  /** Left out of the module where it is not given. */
  readonly recordedPatch?: ArtifactManifest['patch'];
  /** Whether it has an exit; undefined: neither entry nor exit. */
  readonly hasExit?: boolean;
};

// Any sizes are right: readers find them out. Fields stand where include/linux/livepatch.h has them.
const elementBytes = 64;
const [patchBytes, replaceAt, symposAt] = [48, 24, 16];
/** Sections by index. */
const [text, strings, data, thisModule] = [0, 1, 2, 3];

/** A livepatch module as its readers find it, made without a compiler; no kernel would load it. */
export function writtenLivepatch(wanted: SaidOfModule): Uint8Array {
  const { moduleName, kernelBuild, functions, replace, release, recordedPatch, hasExit } = wanted;
  const objects = [...new Set(functions.map(({ object }) => object))];
  const names = [...functions.map(({ name }) => name), ...objects];
  const placeOf = (name: string): number =>
    names.slice(0, names.indexOf(name)).reduce((length, before) => length + before.length + 1, 0);
  const symbols: OutputSymbol[] = [text, strings, data, thisModule].map((place) =>
    symbol('', symbolType.section, place, 0, 0),
  );
  const bytes = new Uint8Array(patchBytes + elementBytes * (2 * objects.length + functions.length + 1));
  const relocations: OutputRelocation[] = [];
  const point = (offset: number, section: number, addend: number): void => {
    relocations.push({ offset, type: relocationType.absolute64, symbol: section, addend });
  };
  point(0, thisModule, 0);
  point(8, data, patchBytes);
  bytes[replaceAt] = replace ? 1 : 0;
  symbols.push(symbol('objects', symbolType.object, data, patchBytes, elementBytes * (objects.length + 1)));
  let at = patchBytes + elementBytes * (objects.length + 1);
  objects.forEach((object, index) => {
    const own = functions.filter((fn) => fn.object === object);
    const place = patchBytes + elementBytes * index;
    if (object !== 'vmlinux') point(place, strings, placeOf(object));
    point(place + 8, data, at);
    symbols.push(symbol(`functions_${object}`, symbolType.object, data, at, elementBytes * (own.length + 1)));
    for (const [rank, { name, sympos }] of own.entries()) {
      const fn = at + rank * elementBytes;
      point(fn, strings, placeOf(name));
      point(fn + 8, text, 0);
      new DataView(bytes.buffer).setUint32(fn + symposAt, sympos, true);
    }
    at += elementBytes * (own.length + 1);
  });
  const said = `name=${moduleName}\0livepatch=Y\0vermagic=${release} SMP mod_unload \0`;
  const build = Uint8Array.from(Buffer.from(kernelBuild, 'hex'));
  const sections: OutputSection[] = [
    section('.text', sectionFlag.alloc | sectionFlag.exec, new Uint8Array(16)),
    section('.rodata.str', sectionFlag.alloc, new TextEncoder().encode(`${names.join('\0')}\0`)),
    section('.data', sectionFlag.alloc | sectionFlag.write, bytes),
    section('.gnu.linkonce.this_module', sectionFlag.alloc | sectionFlag.write, new Uint8Array(64)),
    section('.modinfo', sectionFlag.alloc, new TextEncoder().encode(said)),
    section(
      '.note.lockstep',
      sectionFlag.alloc,
      Uint8Array.from([
        ...writeNote({ owner: 'Lockstep', type: 2, description: build }),
        ...(recordedPatch === undefined
          ? []
          : [...writeNote({ owner: 'Lockstep', type: 1, description: Buffer.from(recordedPatch, 'hex') })]),
      ]),
      sectionType.note,
    ),
  ];
  relocations.sort((left, right) => left.offset - right.offset);
  const entries = [0, 8]
    .slice(0, hasExit === undefined ? 0 : hasExit ? 2 : 1)
    .map((offset): OutputRelocation => ({ offset, type: relocationType.absolute64, symbol: text, addend: 0 }));
  const own = { name: '.rela.gnu.linkonce.this_module', flags: 0, target: thisModule, entries };
  return writeRelocatable({
    sections,
    symbols,
    relocations: [
      { name: '.rela.data', flags: 0, target: data, entries: relocations },
      ...(entries.length === 0 ? [] : [own]),
    ],
  });
}

const symbol = (name: string, type: number, place: number, value: number, sizeBytes: number): OutputSymbol => ({
  ...{ name, binding: symbolBinding.local, type, place, value, sizeBytes },
});

const section = (
  name: string,
  flags: number,
  bytes: Uint8Array,
  type: number = sectionType.progbits,
): OutputSection => ({
  ...{ name, type, flags, alignment: type === sectionType.note ? 4 : 8, entryBytes: 0, bytes, sizeBytes: bytes.length },
});
