// SPDX-License-Identifier: GPL-2.0-only
export {
  compileC,
  compileKeepingNames,
  compileNamedPair,
  compilePair,
  compilers,
  fixtureNames,
  fixtureTables,
  type CompiledPair,
  type Compiler,
} from './compile-c';
export { diffOfEdits, resolvePatched, wholeFileDiff, type Edit } from './edited-sources';
export { fixtureKernel, symbolTable, type FixtureKernel, type FixtureSymbol } from './fixture-kernel';
export { livepatchFile, type LivepatchFixture } from './livepatch-file';
export { bytesOfNamed, readModule, type ReadModule } from './module-reader';
export { writtenLivepatch, type SaidOfModule } from './written-livepatch';
