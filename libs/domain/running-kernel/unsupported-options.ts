// SPDX-License-Identifier: GPL-2.0-only

/** A config option that a kernel was built with, and why no patch can be made for it. */
export interface UnsupportedOption {
  readonly option: string;
  readonly why: string;
}

const instrumented =
  'its functions carry instrumentation with data of its own, which a module of patched functions lacks';

const unsupported: readonly (readonly [option: string, why: string])[] = [
  ['LTO_CLANG', 'its functions are compiled when vmlinux is linked, all at once, so no object has the code that runs'],
  ['CFI_CLANG', 'a call through a pointer checks a hash before the function, which the differ does not carry'],
  ['GCC_PLUGIN_LATENT_ENTROPY', 'the plugin puts other random numbers into the code each time that it is compiled'],
  ['KASAN', `${instrumented} (red zones around variables, registered by constructors)`],
  ['KMSAN', `${instrumented} (shadow state of parameters and variables)`],
  ['KCSAN', `${instrumented} (constructors that register each object)`],
  ['GCOV_KERNEL', `${instrumented} (counters, registered by constructors)`],
  ['PGO_CLANG', `${instrumented} (counters)`],
  ['PROFILE_ANNOTATED_BRANCHES', `${instrumented} (a counter for each likely() and unlikely())`],
  ['PROFILE_ALL_BRANCHES', `${instrumented} (a counter for each branch)`],
  [
    'GCC_PLUGIN_CYC_COMPLEXITY',
    'the plugin writes its findings between the messages that replayed commands are read by',
  ],
];

/** Struct layouts depend on a seed: what has none here compiles to other layouts than those that run. */
const randomLayouts = ['RANDSTRUCT', 'GCC_PLUGIN_RANDSTRUCT', 'RANDSTRUCT_FULL', 'RANDSTRUCT_PERFORMANCE'];

/** Where kernels keep the seed: 5.15 and before, 5.19 and later. One of them is enough. */
export const layoutSeeds: readonly string[] = [
  'scripts/gcc-plugins/randomize_layout_seed.h',
  'scripts/basic/randstruct.seed',
];

/** @param config text of a .config; @param hasLayoutSeed whether one of layoutSeeds is in the tree */
export function unsupportedOption(config: string, hasLayoutSeed: boolean): UnsupportedOption | null {
  const isOn = (option: string): boolean => `\n${config}`.includes(`\nCONFIG_${option}=y\n`);
  const found = unsupported.find(([option]) => isOn(option));
  if (found !== undefined) return { option: found[0], why: found[1] };
  const random = hasLayoutSeed ? undefined : randomLayouts.find(isOn);
  if (random === undefined) return null;
  return {
    option: random,
    why: `its seed (${layoutSeeds.join(' or ')}) is not in the tree, so structs get another order`,
  };
}
