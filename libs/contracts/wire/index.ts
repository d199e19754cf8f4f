// SPDX-License-Identifier: GPL-2.0-only
export { errorFromStatus, statusFromError } from './error-status';
export {
  consistencyFromWire,
  consistencyToWire,
  entryFromWire,
  entryToWire,
  functionFromWire,
  functionToWire,
  manifestFromWire,
  manifestToWire,
} from './log-entry';
