// SPDX-License-Identifier: GPL-2.0-only
import type { LabelKey } from '@lockstep/domain/labels';
import type { NodeFacts } from '@lockstep/domain/rollout-planner';
import { weekdays, type LoadWindow, type Schedule } from '@lockstep/domain/schedule';

const [hourMs, dayMs] = [3_600_000, 86_400_000];
const springMs = Date.UTC(2026, 2, 29, 1);
const autumnMs = Date.UTC(2026, 9, 25, 1);

/** What clocks in Berlin show in 2026, by the law and not by any library. */
const berlinMs = (atMs: number): number => atMs + (atMs >= springMs && atMs < autumnMs ? 2 : 1) * hourMs;

/** The first moment at which clocks there show it, or have jumped over it. */
const momentAt = (wallMs: number): number =>
  [wallMs - 2 * hourMs, wallMs - hourMs].find((atMs) => berlinMs(atMs) === wallMs) ?? springMs;

function isOpen({ days, startMinute, lengthMs, cutoffMs }: LoadWindow, nowMs: number): boolean {
  for (let day = Math.floor((nowMs - lengthMs) / dayMs) - 1; day * dayMs <= nowMs + dayMs; day += 1) {
    if (!days.includes(weekdays[new Date(day * dayMs).getUTCDay()]!)) continue;
    const beganMs = momentAt(day * dayMs + startMinute * 60_000);
    if (beganMs <= nowMs && nowMs < beganMs + lengthMs - cutoffMs) return true;
  }
  return false;
}

/** When loads may begin, told once more. */
export class ScheduleLaw {
  constructor(private readonly schedule: Schedule) {}

  mayBegin({ labels }: NodeFacts, nowMs: number): boolean {
    const tier = labels?.get('tier' as LabelKey);
    const chooses = (selector: string): boolean =>
      ({ '': true, 'tier=a': tier === 'a', 'tier=b': tier === 'b', 'tier in (a,b)': tier !== undefined })[selector] ===
      true;
    const { windows, freezes } = this.schedule;
    if (freezes.some((each) => chooses(each.selector) && each.fromMs <= nowMs && nowMs < each.untilMs)) return false;
    const named = windows.filter(({ selector }) => selector !== '' && chooses(selector));
    const its = named.length > 0 ? named : windows.filter(({ selector }) => selector === '');
    return its.length === 0 || its.some((each) => isOpen(each, nowMs));
  }
}
