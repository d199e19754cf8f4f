// SPDX-License-Identifier: GPL-2.0-only
export { parseFreezeTimes, type Freeze } from './freeze';
export { alwaysOpen, explainClosed, Gates, type ClosedGate, type Gate, type Schedule } from './gate';
export {
  openingFrom,
  parseStart,
  parseTimes,
  showStart,
  weekdays,
  type LoadWindow,
  type Opening,
  type Weekday,
  type WindowText,
} from './load-window';
export { parseScheduleName } from './schedule-name';
export { momentOf, parseZone, showInZone, wallTime, type ZoneName } from './zone-time';
