// SPDX-License-Identifier: GPL-2.0-only
export { readBuildSignature, signedText, withBuildSignature, type SignedModule } from './build-signature';
export { checkModule } from './check-module';
export { hasModuleSignature, withModuleSignature, withoutModuleSignature } from './module-signature';
export type {
  CSource,
  ExportedSymbol,
  KernelFacts,
  KernelFactsInput,
  KernelSymbolTable,
  LivepatchLayouts,
  StructLayout,
} from './kernel-facts';
export { kernelProbeSources, moduleGlueSource } from './kernel-sources';
export { readKernelFacts } from './read-kernel-facts';
export { readLivepatchModule, type LivepatchFile } from './read-livepatch-module';
export { readModinfo, readModuleOrigin, type ModuleOrigin } from './read-module-origin';
export { readKernelSymbols, readModuleSymbols } from './read-symbols';
export { parseKernelFacts, serialiseKernelFacts } from './serialise-kernel-facts';
export { writeLivepatchModule, type LivepatchModule, type LivepatchModuleInput } from './write-livepatch-module';
