// SPDX-License-Identifier: GPL-2.0-only
export { errorFromStatus, statusFromError } from './error-status';
export {
  entryFromWire,
  entryToWire,
  functionFromWire,
  functionToWire,
  manifestFromWire,
  manifestToWire,
} from './log-entry';
export {
  consistencyFromWire,
  consistencyToWire,
  switchingFromWire,
  switchingToWire,
  type WireSwitching,
} from './switching';
