// SPDX-License-Identifier: GPL-2.0-only
export { insistAllRead, type EntryReader } from './entry-readers';
export { extendLog, type Extension, type ExtensionRefusal, type LogChecks } from './extend-log';
export {
  encodeEntry,
  entryVersion,
  firstPreviousHash,
  readableEntryVersions,
  type Consistency,
  type EntryBody,
  type EntrySignature,
  type EntryVersion,
  type HashBytes,
  type HashedEntry,
  type LoadBody,
  type LoadEntry,
  type LogEntry,
  type LogName,
  type RetireBody,
  type RotateBody,
  type Switching,
  type UnsignedEntry,
  type VerifyBy,
  type VerifySignature,
} from './log-entry';
export { entriesHolding } from './built-onto';
export {
  droppedBy,
  explainRefusal,
  headHash,
  nextSeq,
  proposeEntry,
  refuseBody,
  type EntryRefusal,
} from './propose-entry';
export {
  currentKey,
  encodeKeyProof,
  introduceKey,
  introducesKey,
  keysOf,
  newestKey,
  type KeyPlace,
  type SignWith,
} from './key-rotation';
export { parseLogKey, type LogKey } from './log-key';
export { recoverLog, type Recovery, type Side, type Witness } from './recover-log';
export {
  encodeHead,
  explainHeadRefusal,
  hasExpired,
  headLifeMs,
  heardUntilMs,
  isDatedAhead,
  refuseHead,
  type HeadContext,
  type HeadRefusal,
  type HeadStatement,
  type SignedHead,
} from './signed-head';
export { isLoad, stackAt, stackOwners, type Stack } from './stack';
export { holdsEntry, stepsTo, type HeldModule, type StackStep } from './stack-steps';
export { defaultStableMs, parseStableMs } from './stable-time';
export { undoEntries, withAppended, withRetired, type Undoing, type UndoneStretch } from './undo-entries';
export { defaultTransitionTimeoutMs, patienceMs, parseTransitionTimeoutMs } from './transition-timeout';
