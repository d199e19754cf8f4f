// SPDX-License-Identifier: GPL-2.0-only
import { ElfBytes, sectionIndex, stringAt, type ElfFile } from '@lockstep/domain/elf';

const entryPrefix = '__ksymtab_';
const namespacePrefix = '__kstrtabns_';
const checksumPrefix = '__crc_';

/**
 * What a kernel exports, as its build's Module.symvers says it, for who has the kernel alone: without the checksums of
 * CONFIG_MODVERSIONS, which are of no use without that option. Linear.
 * @param vmlinux with its symbols
 */
export function exportsOfKernel(vmlinux: ElfFile): string {
  const { symbols, sections } = vmlinux;
  const namespaces = new Map<string, string>();
  const exported: { readonly name: string; readonly kind: string }[] = [];
  for (let symbol = 1; symbol < symbols.count; symbol++) {
    const name = symbols.name(symbol);
    const section = symbols.isDefined(symbol) ? sections[symbols.section(symbol)] : undefined;
    if (section === undefined) continue;
    if (name.startsWith(namespacePrefix)) {
      const offset = symbols.addressLow(symbol) - vmlinux.sectionTable.addressLow(section.index);
      const texts = vmlinux.bytesOf(section);
      namespaces.set(name.slice(namespacePrefix.length), stringAt(texts, offset, texts.indexOf(0, offset)));
    } else if (name.startsWith(entryPrefix)) {
      const kind = section.name === '__ksymtab_gpl' ? 'EXPORT_SYMBOL_GPL' : 'EXPORT_SYMBOL';
      exported.push({ name: name.slice(entryPrefix.length), kind });
    }
  }
  return exported
    .map(({ name, kind }) => `0x00000000\t${name}\tvmlinux\t${kind}\t${namespaces.get(name) ?? ''}\n`)
    .join('');
}

/**
 * The first export of a kernel that a Module.symvers has otherwise, for a person: then that is of another build, and modules made
 * by it would be refused, or link against what is not there. Linear.
 * @param vmlinux with its symbols
 * @returns undefined where they agree
 */
export function otherExport(vmlinux: ElfFile, symvers: string): string | undefined {
  const { names, checksums } = checksumsOf(vmlinux);
  const listed = new Set<string>();
  for (const line of symvers.split('\n')) {
    const [checksum = '', name = '', owner] = line.split('\t');
    if (owner !== 'vmlinux') continue;
    listed.add(name);
    if (!names.has(name)) return `${name}, which that kernel does not export`;
    const own = checksums.get(name);
    if (own !== undefined && own !== Number(checksum))
      return `${name} with the checksum ${checksum}, which is ${hex(own)} there`;
  }
  const missing = [...names].find((name) => !listed.has(name));
  return missing === undefined ? undefined : `no ${missing}, which that kernel exports`;
}

const hex = (checksum: number): string => `0x${checksum.toString(16).padStart(8, '0')}`;

/** What a kernel exports, and the checksums where it has any: a symbol's value where that is absolute, else what lies at it. */
function checksumsOf({ name: file, symbols, sections, sectionTable, bytesOf }: ElfFile): {
  names: Set<string>;
  checksums: Map<string, number>;
} {
  const names = new Set<string>();
  const checksums = new Map<string, number>();
  for (let symbol = 1; symbol < symbols.count; symbol++) {
    const name = symbols.name(symbol);
    const index = symbols.section(symbol);
    const section = symbols.isDefined(symbol) ? sections[index] : undefined;
    if (section !== undefined && name.startsWith(entryPrefix)) names.add(name.slice(entryPrefix.length));
    if (!name.startsWith(checksumPrefix)) continue;
    const exported = name.slice(checksumPrefix.length);
    if (index === sectionIndex.absolute) checksums.set(exported, symbols.addressLow(symbol));
    if (section === undefined) continue;
    const bytes = bytesOf(section);
    const at = symbols.addressLow(symbol) - sectionTable.addressLow(index);
    if (at >= 0 && at + 4 <= bytes.length) checksums.set(exported, new ElfBytes(bytes, file).u32(at));
  }
  return { names, checksums };
}
