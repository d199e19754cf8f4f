// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import type { ProbeOrder } from '@lockstep/contracts/generated';
import type { Seq } from '@lockstep/domain/livepatch-model';
import { parseProbe, triesUntilError, type Probe, type ProbeResult } from '@lockstep/domain/probes';
import { runProbe, type ProbeCommandsOptions, type ProbeOutcome } from '@lockstep/io/node-probes';
import type { Log } from './logger';
import { problemFrom } from './problem';

/** Whoever orders them may be somebody else than we think: that much, and no more, is done for them. */
const mostProbes = 20;
const leastEveryMs = 1_000;
const longestTimeoutMs = 300_000;
/** An order ends so long after the stream that it came by. */
const forgetAfterMs = 60_000;

export interface ProbeRunnerOptions {
  readonly commands: ProbeCommandsOptions;
  /** Where the node stands now. */
  readonly position: () => Seq;
  /** A probe came to something else than before. */
  readonly onNews: () => void;
  readonly log: Log;
}

interface Loop {
  /** What it stands for; the problem of a text that is no probe of ours. */
  readonly probe: Probe | string;
  readonly everyMs: number;
  readonly timeoutMs: number;
  /** Nobody orders it any more. */
  readonly signal: AbortSignal;
}

function readProbe(text: string): Probe | string {
  try {
    return parseProbe(text);
  } catch (error) {
    return problemFrom(error).message;
  }
}

/** Runs what it was ordered to again and again, each probe for itself, and keeps what each came to last. */
export class ProbeRunner {
  private order: ProbeOrder | undefined;
  private abort = new AbortController();
  /** Where the node has come to, anew for each move: what waits for its next turn is run at once. */
  private moved = new AbortController();
  private position: Seq | undefined;
  private readonly found = new Map<string, ProbeResult>();
  private forgetting: NodeJS.Timeout | undefined;

  constructor(private readonly options: ProbeRunnerOptions) {}

  /** In the order in which they were ordered. */
  get results(): ProbeResult[] {
    return (this.order?.probes ?? []).flatMap((text) => this.found.get(text) ?? []);
  }

  take(order: ProbeOrder): void {
    clearTimeout(this.forgetting);
    if (JSON.stringify(order) === JSON.stringify(this.order)) return;
    this.stop();
    this.order = { ...order, probes: order.probes.slice(0, mostProbes) };
    for (const text of this.found.keys()) if (!this.order.probes.includes(text)) this.found.delete(text);
    const everyMs = Math.max(leastEveryMs, order.everyMs);
    const timeoutMs = Math.min(longestTimeoutMs, Math.max(1, order.timeoutMs));
    const { signal } = this.abort;
    for (const text of this.order.probes) {
      this.repeat(text, { probe: readProbe(text), everyMs, timeoutMs, signal }).catch(() => undefined);
    }
    this.options.log('info', 'probes ordered', { probes: this.order.probes, everyMs, timeoutMs });
    this.options.onNews();
  }

  /** The stream has ended: what it ordered may be ordered again by the next one. */
  noteSilence(): void {
    clearTimeout(this.forgetting);
    this.forgetting = setTimeout(() => {
      this.take({ probes: [], everyMs: 0, timeoutMs: 0 });
    }, forgetAfterMs);
    this.forgetting.unref();
  }

  /** The node may stand elsewhere now. */
  noteView(): void {
    const position = this.options.position();
    if (position === this.position) return;
    this.position = position;
    this.moved.abort();
    this.moved = new AbortController();
  }

  /** Ends what runs. */
  stop(): void {
    clearTimeout(this.forgetting);
    this.abort.abort();
    this.abort = new AbortController();
    this.order = undefined;
  }

  private async repeat(text: string, loop: Loop): Promise<void> {
    const { probe, everyMs, timeoutMs, signal } = loop;
    while (!signal.aborted) {
      const position = this.options.position();
      const { commands } = this.options;
      const outcome: ProbeOutcome =
        typeof probe === 'string'
          ? { verdict: 'error', message: probe }
          : await runProbe(probe, { timeoutMs, commands, signal });
      // Neither before nor after: it says nothing of either.
      const isOfHere = position === this.options.position();
      // Typescript does not know that awaiting lets it be aborted.
      if ((signal as { aborted: boolean }).aborted) return;
      if (isOfHere) this.note(text, outcome, position);
      const woken = AbortSignal.any([signal, this.moved.signal]);
      await sleep(isOfHere ? everyMs : 0, undefined, { signal: woken }).catch(() => undefined);
    }
  }

  private note(probe: string, { verdict, message }: ProbeOutcome, position: Seq): void {
    const before = this.found.get(probe);
    const isSame = before?.verdict === verdict && before.position === position;
    const inARow = isSame ? Math.min(triesUntilError, before.inARow + 1) : 1;
    this.found.set(probe, { probe, verdict, message, position, inARow });
    if (isSame && before.inARow === inARow && before.message === message) return;
    if (!isSame) {
      this.options.log(verdict === 'pass' ? 'info' : 'warn', 'probe', { probe, verdict, message, position });
    }
    this.options.onNews();
  }
}
