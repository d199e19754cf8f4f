// SPDX-License-Identifier: GPL-2.0-only
import {
  sectionFlag,
  sectionType,
  symbolBinding,
  symbolType,
  writeRelocatable,
  type OutputRelocation,
  type OutputSymbol,
} from '@lockstep/domain/elf';

/** Bytes to put into an output section of that name. */
export interface Content {
  readonly section: string;
  readonly sectionType: number;
  readonly sectionFlags: number;
  readonly alignment: number;
  readonly bytes: Uint8Array;
  readonly sizeBytes: number;
}

/** Where a content went. */
export interface Place {
  readonly section: number;
  readonly offset: number;
}

interface SectionDraft {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  alignment: number;
  sizeBytes: number;
  readonly parts: { readonly offset: number; readonly bytes: Uint8Array }[];
}

/** A module's relocatable under construction: contents of one section name are joined, symbols are named once. */
export class ModuleImage {
  private readonly sections: SectionDraft[] = [];
  private readonly sectionIndex = new Map<string, number>();
  private readonly symbols: OutputSymbol[] = [];
  private readonly symbolIndex = new Map<string, number>();
  /** By section; by patched object and section. */
  private readonly relocations = new Map<number, OutputRelocation[]>();
  private readonly livepatchRelocations = new Map<string, { section: number; entries: OutputRelocation[] }>();

  add(content: Content): Place {
    const section = this.section(content);
    const draft = this.sections[section] as SectionDraft;
    const offset = Math.ceil(draft.sizeBytes / content.alignment) * content.alignment;
    draft.alignment = Math.max(draft.alignment, content.alignment);
    if (content.bytes.length > 0) draft.parts.push({ offset, bytes: content.bytes });
    draft.sizeBytes = offset + content.sizeBytes;
    return { section, offset };
  }

  /** The symbol that stands for the start of a place's section. */
  sectionSymbol({ section }: Place): number {
    return this.symbol(`section ${section}`, {
      name: '',
      binding: symbolBinding.local,
      type: symbolType.section,
      place: section,
      value: 0,
      sizeBytes: 0,
    });
  }

  /** Names what lies at a place, for backtraces and for people. */
  nameLocal(name: string, kind: 'function' | 'object', { section, offset }: Place, sizeBytes: number): void {
    this.symbols.push({
      name,
      binding: symbolBinding.local,
      type: symbolType[kind],
      place: section,
      value: offset,
      sizeBytes,
    });
  }

  /** A symbol that the module loader links: exported by the kernel, or weak and possibly absent. */
  undefinedSymbol(name: string, binding: 'global' | 'weak'): number {
    const place = 'undefined';
    return this.symbol(`undefined ${name}`, {
      name,
      binding: symbolBinding[binding],
      type: symbolType.none,
      place,
      value: 0,
      sizeBytes: 0,
    });
  }

  /** A symbol that kernel/livepatch looks up: `.klp.sym.<object>.<name>,<sympos>`. */
  livepatchSymbol(object: string, name: string, sympos: number): number {
    const full = `.klp.sym.${object}.${name},${sympos}`;
    return this.symbol(full, {
      name: full,
      binding: symbolBinding.global,
      type: symbolType.none,
      place: 'livepatch',
      value: 0,
      sizeBytes: 0,
    });
  }

  relocate({ section }: Place, relocation: OutputRelocation): void {
    const entries = this.relocations.get(section);
    if (entries === undefined) this.relocations.set(section, [relocation]);
    else entries.push(relocation);
  }

  /** A relocation that kernel/livepatch applies once `object` is there. */
  relocateLate(object: string, { section }: Place, relocation: OutputRelocation): void {
    const key = `.klp.rela.${object}.${this.sections[section]?.name ?? ''}`;
    const table = this.livepatchRelocations.get(key);
    if (table === undefined) this.livepatchRelocations.set(key, { section, entries: [relocation] });
    else table.entries.push(relocation);
  }

  /** Names of undefined symbols, in the order of their first use. */
  undefinedNames(): string[] {
    return this.symbols.filter(({ place }) => place === 'undefined').map(({ name }) => name);
  }

  toBytes(): Uint8Array {
    const byOffset = (entries: OutputRelocation[]) => entries.sort((a, b) => a.offset - b.offset);
    return writeRelocatable({
      sections: this.sections.map((draft) => ({ ...draft, entryBytes: 0, bytes: joined(draft) })),
      symbols: this.symbols,
      relocations: [
        ...[...this.relocations].map(([section, entries]) => ({
          name: `.rela${this.sections[section]?.name ?? ''}`,
          flags: 0,
          target: section,
          entries: byOffset(entries),
        })),
        ...[...this.livepatchRelocations].map(([name, { section, entries }]) => ({
          name,
          // SHF_ALLOC keeps the table in memory for objects that come later.
          flags: sectionFlag.alloc | sectionFlag.relaLivepatch,
          target: section,
          entries: byOffset(entries),
        })),
      ],
    });
  }

  private section({ section: name, sectionType: type, sectionFlags: flags }: Content): number {
    const known = this.sectionIndex.get(name);
    if (known !== undefined) return known;
    const index = this.sections.push({ name, type, flags, alignment: 1, sizeBytes: 0, parts: [] }) - 1;
    this.sectionIndex.set(name, index);
    return index;
  }

  private symbol(key: string, symbol: OutputSymbol): number {
    const known = this.symbolIndex.get(key);
    if (known !== undefined) return known;
    const index = this.symbols.push(symbol) - 1;
    this.symbolIndex.set(key, index);
    return index;
  }
}

function joined({ type, sizeBytes, parts }: SectionDraft): Uint8Array {
  if (type === sectionType.nobits) return new Uint8Array(0);
  const bytes = new Uint8Array(sizeBytes);
  for (const { offset, bytes: part } of parts) bytes.set(part, offset);
  return bytes;
}
