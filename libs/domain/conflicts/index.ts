// SPDX-License-Identifier: GPL-2.0-only
export {
  conflictsWith,
  sharedFunctions,
  tornPatches,
  type Conflict,
  type FunctionOwner,
  type SharedFunction,
  type TornPatch,
} from './conflicts';
