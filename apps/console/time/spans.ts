// SPDX-License-Identifier: GPL-2.0-only

const units = [
  { of: 86_400, name: 'd' },
  { of: 3_600, name: 'h' },
  { of: 60, name: 'min' },
  { of: 1, name: 's' },
] as const;

/** `4 s`, `12 min`, `3 h 20 min`, `5 d`: as exact as somebody who waits wants it. */
export function spanWords(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  const at = units.findIndex(({ of }) => seconds >= of);
  const unit = units[at] ?? units[units.length - 1];
  if (unit === undefined) return '0 s';
  const whole = Math.floor(seconds / unit.of);
  const next = units[at + 1];
  const rest = next === undefined ? 0 : Math.floor((seconds % unit.of) / next.of);
  const isCoarse = unit.name === 'min' || whole >= 10;
  return next === undefined || rest === 0 || isCoarse
    ? `${whole} ${unit.name}`
    : `${whole} ${unit.name} ${rest} ${next.name}`;
}

/** How far away a time is: `4 s ago`, `in 3 min`, `now`. */
export function distanceWords(atMs: number, nowMs: number): string {
  const ms = nowMs - atMs;
  if (Math.abs(ms) < 1_000) return 'now';
  return ms > 0 ? `${spanWords(ms)} ago` : `in ${spanWords(-ms)}`;
}
