// SPDX-License-Identifier: GPL-2.0-only
export { compareKernels, type KernelDifference } from './compare-kernels';
export { addedOptions, droppedOptions, isWholeConfig, type AddedOption, type DroppedOption } from './dropped-options';
export { compiledByOther, otherCompiler, type KernelCompiler } from './kernel-compilers';
export { layoutSeeds, unsupportedOption, type UnsupportedOption } from './unsupported-options';
