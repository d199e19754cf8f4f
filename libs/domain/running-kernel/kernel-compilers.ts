// SPDX-License-Identifier: GPL-2.0-only
import { parseElf, type ElfFile, indexOfText } from '@lockstep/domain/elf';

/** What a kernel says it was compiled by. */
export interface KernelCompiler {
  /** Where it says so. */
  readonly place: 'banner' | '.comment';
  readonly compiler: string;
}

/**
 * The compiler that a kernel says it was built by, if that is another than the tree's; null where all agree.
 * @param builtWith as the tree's config names it: `gcc (Debian 12.2.0-14) 12.2.0`
 * @param object any object of the tree, compiled from C
 */
export function otherCompiler(vmlinux: Uint8Array, builtWith: string, object: Uint8Array): KernelCompiler | null {
  const kernel = parseElf(vmlinux, 'vmlinux');
  const named = bannerCompilers(kernel);
  if (named !== null && builtWith !== '' && !saysFirst(named, builtWith)) {
    return { place: 'banner', compiler: named.split(', ')[0] ?? named };
  }
  const [theirs, ours] = [comments(kernel), comments(parseElf(object, 'an object of the tree'))];
  const isForeign = theirs.length > 0 && ours.length > 0 && !ours.every((one) => theirs.includes(one));
  return isForeign ? { place: '.comment', compiler: theirs.join(', ') } : null;
}

/**
 * What an object says it was compiled by, if that is another compiler than the one a config names; null where they agree or the
 * object does not say.
 * @param builtWith `gcc-12 (Debian 12.2.0-14) 12.2.0`; the object says `GCC: (Debian 12.2.0-14) 12.2.0`
 */
export function compiledByOther(object: ElfFile, builtWith: string): string | null {
  const said = comments(object);
  const isClang = builtWith.includes('clang');
  // A gcc that no distribution built calls itself (GCC) where it is asked, and (GNU) in what it compiles.
  const named = isClang ? builtWith : builtWith.replace(/^\S+ /, '').replace(/^\(GCC\)/, '(GNU)');
  if (said.length === 0 || named === '' || said.some((one) => one.endsWith(named))) return null;
  return said.join(', ');
}

/** What follows is the linker, or nothing. A compiler's own words may have commas and brackets, too. */
const saysFirst = (named: string, compiler: string): boolean => named === compiler || named.startsWith(`${compiler}, `);

/** `Linux version 6.1.0 (user@host) (gcc (Debian 12.2.0) 12.2.0, GNU ld …) #1 …`: what is in the last brackets before the number. */
function bannerCompilers(elf: ElfFile): string | null {
  const text = new TextDecoder('latin1');
  for (const section of elf.sections.filter(
    ({ name }) => name === '.rodata' || name === '.data' || name === '.init.data',
  )) {
    const bytes = elf.bytesOf(section);
    const at = indexOfText(bytes, 'Linux version ');
    if (at < 0) continue;
    const banner = text.decode(bytes.subarray(at, at + 512));
    return /^Linux version \S+ \(.*?@.*?\) \((.*?)\) #/.exec(banner)?.[1] ?? null;
  }
  return null;
}

function comments(elf: ElfFile): string[] {
  const section = elf.sections.find(({ name }) => name === '.comment');
  if (section === undefined) return [];
  const texts = new TextDecoder('latin1').decode(elf.bytesOf(section)).split('\0');
  return [...new Set(texts.filter((text) => text !== ''))];
}
