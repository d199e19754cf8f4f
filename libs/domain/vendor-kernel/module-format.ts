// SPDX-License-Identifier: GPL-2.0-only
import { stringAt, type ElfFile } from '@lockstep/domain/elf';

/** What the kernel holds every module to before it looks at its code. */
interface ModuleFormat {
  /** `6.1.0-50-cloud-amd64 SMP preempt mod_unload modversions ` */
  readonly vermagic: string | undefined;
  /** Of struct module. */
  readonly sizeBytes: number | undefined;
  /** Where in it its two functions are. */
  readonly init: number | undefined;
  readonly exit: number | undefined;
}

/**
 * What of the modules that a tree makes is otherwise than in one that its vendor ships, for a person: a config option or a source of
 * another version changed struct module or the vermagic, and the kernel would refuse them, or read them wrongly.
 * @param own compiled by the tree, with init and exit
 * @returns undefined where they agree, as far as the vendor's module tells
 */
export function otherModuleFormat(own: ElfFile, vendors: ElfFile): string | undefined {
  const [ours, theirs] = [formatOf(own), formatOf(vendors)];
  const told: readonly [keyof ModuleFormat, string][] = [
    ['vermagic', 'vermagic'],
    ['sizeBytes', 'the size of struct module'],
    ['init', 'the offset of its init'],
    ['exit', 'the offset of its exit'],
  ];
  for (const [key, name] of told) {
    const [mine, its] = [ours[key], theirs[key]];
    if (mine === undefined || its === undefined || mine === its) continue;
    return `${name} is ${JSON.stringify(its)} in ${vendors.name}, and ${JSON.stringify(mine)} by this source and config`;
  }
  return undefined;
}

function formatOf(module: ElfFile): ModuleFormat {
  const sectionNamed = (name: string) => module.sections.find((one) => one.name === name);
  const information = sectionNamed('.modinfo');
  const texts = information === undefined ? [] : textsIn(module.bytesOf(information));
  const itself = sectionNamed('.gnu.linkonce.this_module');
  const relocations = itself === undefined ? null : module.relocationsOf(itself);
  const offsets = new Map<string, number>();
  for (let rank = 0; relocations !== null && rank < relocations.count; rank++)
    offsets.set(module.symbols.name(relocations.symbol(rank)), relocations.offset(rank));
  return {
    vermagic: texts.find((text) => text.startsWith('vermagic='))?.slice('vermagic='.length),
    sizeBytes: itself?.sizeBytes,
    init: offsets.get('init_module'),
    exit: offsets.get('cleanup_module'),
  };
}

function textsIn(bytes: Uint8Array): string[] {
  const texts: string[] = [];
  for (let at = 0; at < bytes.length;) {
    const end = bytes.indexOf(0, at);
    texts.push(stringAt(bytes, at, end < 0 ? bytes.length : end));
    at = end < 0 ? bytes.length : end + 1;
  }
  return texts;
}
