// SPDX-License-Identifier: GPL-2.0-only
import { matchesSelector, noLabels, parseSelector, type Labels, type Selector } from '@lockstep/domain/labels';
import type { Freeze } from './freeze';
import { openingFrom, type LoadWindow } from './load-window';
import { showInZone, type ZoneName } from './zone-time';

/** All windows and freezes of a cluster, by name. */
export interface Schedule {
  readonly windows: readonly LoadWindow[];
  /** Those of every cluster too. */
  readonly freezes: readonly Freeze[];
}

export const alwaysOpen: Schedule = { windows: [], freezes: [] };

/** What is in the way of a load that would begin now. */
export interface ClosedGate {
  readonly kind: 'window' | 'freeze';
  /** Of the window that opens next, or the freeze. */
  readonly name: string;
  /** Of the freeze; absent where none was given. */
  readonly reason?: string | undefined;
  /** Of the window that opens then; null where none is for the node. */
  readonly zone: ZoneName | null;
  /** When loads may begin, by windows and freezes together. */
  readonly opensAtMs: number;
}

/** Whether a node's load may begin now. */
export type Gate =
  /** @property untilMs when it closes; null: it stays open. */
  { readonly kind: 'open'; readonly untilMs: number | null } | ClosedGate;

const openForGood: Gate = { kind: 'open', untilMs: null };

interface Chosen {
  readonly windows: readonly LoadWindow[];
  readonly freezes: readonly Freeze[];
}

interface Beginning {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly window: LoadWindow | undefined;
}

/** The first time at which a window is open, whatever is frozen. */
function firstOpening(windows: readonly LoadWindow[], fromMs: number): Beginning {
  return windows
    .map((window): Beginning => ({ ...openingFrom(window, fromMs), window }))
    .reduce((first, each) => (each.fromMs < first.fromMs ? each : first), {
      fromMs: windows.length === 0 ? fromMs : Infinity,
      untilMs: Infinity,
      window: undefined,
    });
}

const covers = ({ fromMs, untilMs }: Freeze, atMs: number): boolean => fromMs <= atMs && atMs < untilMs;

/** The first time at which a load may begin: freezes beat windows. */
function beginningFrom({ windows, freezes }: Chosen, nowMs: number): Beginning {
  let atMs = nowMs;
  for (;;) {
    const { fromMs, untilMs, window } = firstOpening(windows, atMs);
    const freeze = freezes.find((each) => covers(each, fromMs));
    // No freeze is met twice, so this ends.
    if (freeze !== undefined) {
      atMs = freeze.untilMs;
      continue;
    }
    const closings = freezes.map((each) => each.fromMs).filter((each) => each > fromMs);
    return { fromMs, untilMs: Math.min(untilMs, ...closings), window };
  }
}

function gateOf(chosen: Chosen, nowMs: number): Gate {
  if (chosen.windows.length + chosen.freezes.length === 0) return openForGood;
  const { fromMs, untilMs, window } = beginningFrom(chosen, nowMs);
  if (fromMs <= nowMs) return { kind: 'open', untilMs: untilMs === Infinity ? null : untilMs };
  const freeze = chosen.freezes.find((each) => covers(each, nowMs));
  const opens = { zone: window?.zone ?? null, opensAtMs: fromMs };
  return freeze === undefined
    ? { kind: 'window', name: window?.name ?? '', ...opens }
    : { kind: 'freeze', name: freeze.name, ...(freeze.reason === '' ? {} : { reason: freeze.reason }), ...opens };
}

const withSelector = <T extends { readonly selector: string }>(all: readonly T[]): [Selector, T][] =>
  all.map((each) => [parseSelector(each.selector), each]);

/**
 * Who may begin at one moment. A node has the windows whose selectors choose it; where none does, those without a
 * selector; where there is none either, it may begin at any time. Each combination is looked at once.
 */
export class Gates {
  private readonly windows: readonly [Selector, LoadWindow][];
  private readonly freezes: readonly [Selector, Freeze][];
  private readonly known = new Map<string, Gate>();

  constructor(
    schedule: Schedule,
    private readonly nowMs: number,
  ) {
    this.windows = withSelector(schedule.windows);
    this.freezes = withSelector(schedule.freezes);
  }

  of(labels: Labels = noLabels): Gate {
    if (this.windows.length + this.freezes.length === 0) return openForGood;
    const named = this.windows.filter(([selector]) => selector.length > 0 && matchesSelector(selector, labels));
    const windows = named.length > 0 ? named : this.windows.filter(([selector]) => selector.length === 0);
    const freezes = this.freezes.filter(([selector]) => matchesSelector(selector, labels));
    const key = JSON.stringify([windows.map(([, { name }]) => name), freezes.map(([, { name }]) => name)]);
    const known = this.known.get(key);
    if (known !== undefined) return known;
    const chosen = { windows: windows.map(([, window]) => window), freezes: freezes.map(([, freeze]) => freeze) };
    const gate = gateOf(chosen, this.nowMs);
    this.known.set(key, gate);
    return gate;
  }
}

/** `window "night" opens Sun 2026-11-29 02:00 in Europe/Berlin`. */
export function explainClosed({ kind, name, reason, zone, opensAtMs }: ClosedGate): string {
  const when = showInZone(zone ?? ('UTC' as ZoneName), opensAtMs);
  if (kind === 'window') return `window "${name}" opens ${when}`;
  const why = reason === undefined ? '' : ` (${reason})`;
  return `freeze "${name}" is on${why}; loads may begin ${when}`;
}
