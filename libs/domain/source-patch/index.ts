// SPDX-License-Identifier: GPL-2.0-only
export { applyFileDiff, type FileContents } from './apply-diff';
export { classifyChanges, type ChangeClasses } from './change-classes';
export { namedFiles, parseCmdFile, type SavedCommand } from './cmd-file';
export { changedInlineFunctions } from './confined-change';
export {
  makeDependencyIndex,
  objectsThatRead,
  type CompiledObject,
  type DependencyIndex,
  type IndexedObject,
} from './dependency-index';
export { describeMismatch, sourcePatchError, type Mismatch } from './failure';
export { hasLineNumbers, regionsLike, regionsOf, withLineNumbers, type Region } from './line-numbers';
export {
  compileStepOf,
  delayedObjtool,
  objtoolStep,
  readEnabledOptions,
  withNamesKept,
  withSectionFlags,
  withTypeRecord,
  type BuiltObject,
  type EnabledOptions,
  type ObjtoolUse,
} from './replay';
export { mayChangeTypes } from './may-change-types';
export { meansTheSame, unreachedFunctions } from './same-meaning';
export { parseUnifiedDiff, pathOf, type DiffLine, type FileDiff, type Hunk } from './unified-diff';
