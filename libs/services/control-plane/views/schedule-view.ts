// SPDX-License-Identifier: GPL-2.0-only
import type { Freeze, Window } from '@lockstep/contracts/generated';
import { openingFrom, showStart } from '@lockstep/domain/schedule';
import type { FreezeRecord, WindowRecord } from '@lockstep/io/database';

export function windowToWire(window: WindowRecord): Window {
  const { name, cluster, selector, zone, days, startMinute, lengthMs, cutoffMs } = window;
  const { fromMs, untilMs } = openingFrom(window, Date.now());
  return {
    ...{ name, cluster, selector, zone, days: [...days], start: showStart(startMinute) },
    ...{ lengthSeconds: lengthMs / 1_000, cutoffSeconds: cutoffMs / 1_000 },
    ...{ opensAt: new Date(fromMs), closesAt: new Date(untilMs) },
  };
}

export const freezeToWire = ({ name, cluster, selector, fromMs, untilMs, reason }: FreezeRecord): Freeze => ({
  ...{ name, cluster: cluster ?? '', selector, reason, from: new Date(fromMs), until: new Date(untilMs) },
});
