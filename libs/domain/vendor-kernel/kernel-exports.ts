// SPDX-License-Identifier: GPL-2.0-only
import { stringAt, type ElfFile } from '@lockstep/domain/elf';

const entryPrefix = '__ksymtab_';
const namespacePrefix = '__kstrtabns_';

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
