// SPDX-License-Identifier: GPL-2.0-only
export {
  buildLivepatch,
  comparePatch,
  linkLivepatch,
  type BuildLivepatchOptions,
  type BuiltLivepatch,
  type ComparedObject,
  type ComparedPatch,
  type LinkOptions,
} from './build-livepatch';
export { defaultCacheDirectory } from './cache-directory';
export {
  evictKernelBuilds,
  readSharedCopy,
  usingKernelBuild,
  writeSharedCopy,
  type CacheEviction,
  type CacheEvictionOptions,
  type SharedCopy,
} from './cached-kernels';
export { compilePatch, planPatch, type CompilePatchOptions, type ObjectPair, type PatchPlan } from './compile-patch';
export { buildKernel, type BuildKernelOptions, type BuiltKernel } from './kernel-build';
export { packKernelBuild, treeSize, unpackKernelBuild, type UnpackOptions } from './kernel-pack';
export { kernelOfSource, type KernelOfSourceOptions } from './kernel-of-source';
export { findKernelSource, kernelVersionOf, prepareKernelTree, type KernelSource } from './kernel-source';
export { ObjectCompiler } from './object-compiler';
export type { IndexedObject } from './dependency-index';
export type { KernelSeries } from './quilt-series';
export { readPatch, type NamedDiff, type PatchSources, type ReadPatch } from './read-patch';
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
} from './registered-kernel';
export { sourceIdentity } from './source-identity';
export type { BuildProgress, OnProgress } from './stage';
