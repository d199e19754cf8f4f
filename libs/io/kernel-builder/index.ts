// SPDX-License-Identifier: GPL-2.0-only
export type {
  BuildLivepatchOptions,
  BuiltLivepatch,
  ComparedObject,
  ComparedPatch,
  LinkOptions,
} from './patches/build-livepatch';
export { buildLivepatch, comparePatch, compilePatch, linkLivepatch, planPatch } from './patches/patch-builder';
export { defaultCacheDirectory } from './builds/cache-directory';
export {
  evictKernelBuilds,
  readSharedCopy,
  usingKernelBuild,
  writeSharedCopy,
  type CacheEviction,
  type CacheEvictionOptions,
  type SharedCopy,
} from './builds/cached-kernels';
export type { CompilePatchOptions, ObjectPair, PatchPlan } from './patches/compile-patch';
export { buildKernel, type BuildKernelOptions, type BuiltKernel } from './builds/kernel-build';
export { packKernelBuild, treeSize, unpackKernelBuild, type UnpackOptions } from './builds/kernel-pack';
export { kernelOfSource, type KernelOfSourceOptions } from './builds/kernel-of-source';
export {
  findKernelSource,
  kernelVersionOf,
  prepareKernelTree,
  tryKernelSeries,
  type KernelSource,
} from './sources/kernel-source';
export { originalsChannel } from './objects/compile-object';
export { ObjectCompiler } from './objects/object-compiler';
export type { KernelSeries } from './sources/quilt-series';
export { readPatch, type NamedDiff, type PatchSources, type ReadPatch } from './patches/read-patch';
export {
  findKernelBuild,
  isRegistered,
  listKernelBuilds,
  openKernelBuild,
  registerKernelBuild,
  requireCompiler,
  type KernelBuild,
  type KernelBuildInfo,
  type RegisterOptions,
} from './builds/registered-kernel';
export { registerStockKernel, type StockKernelOptions } from './builds/stock-kernel';
export { findVendorKernel, type VendorKernel } from './vendors/find-vendor-kernel';
export { prepareVendorTree } from './vendors/prepare-vendor-tree';
export { keptBootImage, readKeptModule, type KeptModule } from './vendors/vendor-files';
export { refuseGoneGlobals } from './objects/refuse-gone-globals';
export { BuiltOriginals } from './objects/built-originals';
export type { ProvedObject } from './objects/prover';
export { proveOriginals, provideOriginals } from './objects/stock-originals';
export { sourceIdentity } from './sources/source-identity';
export { mapAtOnce } from './processes/at-once';
export { useLimits, type LimitName, type Limits } from './processes/limits';
export { endProcessGroups } from './processes/process-groups';
export { runCommand } from './processes/run-command';
export {
  parseSandboxChoice,
  sandboxChoices,
  useSandbox,
  type SandboxChoice,
  type SandboxKind,
} from './processes/sandbox';
export type { BuildProgress, OnProgress } from './processes/stage';
