// SPDX-License-Identifier: GPL-2.0-only
import type { KnownEntries } from '@lockstep/contracts/generated';
import { entryFromWire } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { extendLog, headHash, type LogChecks, type LogEntry, type LogName } from '@lockstep/domain/load-order';
import type { AgentHead } from './check-head';

/** An agent can make us keep no more than this; a log of ours has some 50 KB for a patch of a thousand functions. */
const mostEntries = 10_000;

const unproven = (reason: string, message: string): LockstepError => new LockstepError('refused', reason, message);

function readEntries(answer: KnownEntries): LogEntry[] {
  try {
    return answer.entries.map(entryFromWire);
  } catch (error) {
    throw unproven('no-entries', `What it tells cannot be read: ${(error as Error).message}`);
  }
}

/**
 * Takes from one agent, answer by answer, the entries that it has beyond our log, and proves that they go on from it:
 * chained, signed by our own key, by the rules, up to the very head that the agent named.
 */
export class EntriesBeyond {
  private readonly found: LogEntry[] = [];

  constructor(
    private readonly log: LogName,
    private readonly known: readonly LogEntry[],
    private readonly head: AgentHead,
    private readonly checks: LogChecks,
  ) {
    if (head.headSeq - known.length > mostEntries) {
      throw unproven('too-far-ahead', `It names entry #${head.headSeq}; the log ends at #${known.length}.`);
    }
  }

  /** The seq after which more is wanted; undefined when all is there and proven. */
  get wantsAfter(): number | undefined {
    const seq = this.known.length + this.found.length;
    return seq < this.head.headSeq ? seq : undefined;
  }

  get entries(): readonly LogEntry[] {
    return this.found;
  }

  /** @throws LockstepError `refused` when the answer proves nothing: with the reason of `extendLog`, or `no-entries`, `wrong-head`. */
  take(answer: KnownEntries): void {
    const received = readEntries(answer);
    const soFar = [...this.known, ...this.found];
    const extension = extendLog(this.log, soFar, received, this.checks);
    if (extension.kind === 'refused') {
      const { reason, ...where } = extension.refusal;
      const at = 'seq' in where ? ` #${where.seq}` : '';
      throw unproven(reason, `What it tells of entry${at} proves nothing: ${reason}.`);
    }
    if (extension.added === 0) throw unproven('no-entries', 'It names entries that it does not tell.');
    this.found.push(...extension.entries.slice(soFar.length));
    const isWhole = this.wantsAfter === undefined;
    if (isWhole && headHash(extension.entries) !== this.head.headHash) {
      throw unproven('wrong-head', 'The entries that it tells do not end in the head that it names.');
    }
  }
}
