// SPDX-License-Identifier: GPL-2.0-only
export { applyFileDiff } from './apply-diff';
export { applyPatch, pathsReadBy, type AppliedPatch, type FileContents } from './apply-patch';
export { placesFor, placesIn, type AuthorsPlace, type ChangedFile } from './authors-places';
export { changedConstants, describeConstant } from './changed-constants';
export { refuseBuildChanges } from './build-changes';
export { classifyChanges, whyMakeMust, type ChangeClasses } from './change-classes';
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
export { includedNames, possibleReaders } from './include-graph';
export { hasLineNumbers, regionsLike, regionsOf, withLineNumbers, type Region } from './line-numbers';
export {
  compileStepOf,
  delayedObjtool,
  objtoolStep,
  readEnabledOptions,
  recordsTypes,
  withNamesKept,
  withSectionFlags,
  withTypeRecord,
  type BuiltObject,
  type EnabledOptions,
  type ObjtoolUse,
} from './replay';
export { mayChangeTypes } from './may-change-types';
export { meansTheSame, unreachedFunctions } from './same-meaning';
export type { DiffLine, Hunk } from './hunks';
export { maxFuzz } from './explain-mismatch';
export { PatchRefusal } from './patch-refusal';
export { withTypesAsBefore } from './types-as-before';
export { parseUnifiedDiff, pathOf, renamedFrom, type FileDiff } from './unified-diff';
