// SPDX-License-Identifier: GPL-2.0-only
import { entryFromWire, entryToWire, headFromWire, headToWire } from '@lockstep/contracts/wire';
import { LogEntry as WireLogEntry, SignedHead as WireHead } from '@lockstep/contracts/generated';
import {
  LockstepError,
  parseModuleName,
  parseSeq,
  seqZero,
  type ModuleName,
  type Seq,
} from '@lockstep/domain/livepatch-model';
import {
  extendLog,
  newestKey,
  type LogChecks,
  type LogEntry,
  type LogKey,
  type LogName,
  type SignedHead,
} from '@lockstep/domain/load-order';
import {
  mergeQuarantines,
  type BegunLoad,
  type EndedBoot,
  type Quarantine,
  type Recorded,
} from '@lockstep/domain/node-state';
import { journalRemedy } from './record-lines';
import { RecordFile, type OpenRecordHandle } from './record-file';

type JournalRecord =
  | { readonly kind: 'entry'; readonly entry: WireLogEntry }
  | { readonly kind: 'target' | 'position'; readonly seq: number }
  | { readonly kind: 'head'; readonly head: WireHead }
  /** The log is followed since then. */
  | { readonly kind: 'since'; readonly atMs: number }
  /** A load is about to begin. */
  | { readonly kind: 'load'; readonly seq: number; readonly bootId: string; readonly atMs: number }
  /** The host was well for a while after these loads of that boot. */
  | { readonly kind: 'stable'; readonly seqs: readonly number[]; readonly bootId: string }
  | { readonly kind: 'quarantine'; readonly quarantine: Quarantine }
  /** An operator wants these unloaded, which no entry explains; none: they are gone. */
  | { readonly kind: 'repair'; readonly modules: readonly string[] }
  /** In this boot all loads of earlier ones have been judged. */
  | { readonly kind: 'boot'; readonly bootId: string };

/** One load order as this node has accepted it, and where the node is to be and was. */
export interface AgentJournal {
  /** What was recorded when it was opened. */
  readonly recorded: Recorded;
  recordEntries(entries: readonly LogEntry[]): Promise<void>;
  recordHead(head: SignedHead): Promise<void>;
  recordTarget(seq: Seq): Promise<void>;
  recordPosition(seq: Seq): Promise<void>;
  /** Earlier boots are judged: what their loads did to the host is known now. */
  recordBoot(bootId: string, found: readonly Quarantine[]): Promise<void>;
  /** Before the module is inserted. */
  recordLoad(load: BegunLoad): Promise<void>;
  recordStable(seqs: readonly Seq[], bootId: string): Promise<void>;
  recordQuarantines(quarantines: readonly Quarantine[]): Promise<void>;
  recordRepair(modules: readonly ModuleName[]): Promise<void>;
  close(): Promise<void>;
}

/** What other files say that is to be known with a journal. */
export interface KnownElsewhere {
  /** Boots that were shut down in order. */
  readonly endedBoots?: readonly EndedBoot[];
  /** The newest log key that any load order of this node has brought in. */
  readonly newestKey?: LogKey | undefined;
  /** Since 1970: of a log that was not followed before it is since now. */
  readonly nowMs?: number | undefined;
}

/** Where the loads of boots went. */
class LoadHistory {
  loads: BegunLoad[] = [];
  quarantines: Quarantine[] = [];

  begin({ seq, bootId, atMs }: Extract<JournalRecord, { kind: 'load' }>): void {
    this.loads.push({ seq: parseSeq(seq), bootId, atMs, stable: false });
  }

  becomeStable(seqs: readonly number[], bootId: string): void {
    this.loads = this.loads.map((load) =>
      load.bootId === bootId && seqs.includes(load.seq) ? { ...load, stable: true } : load,
    );
    this.quarantines = this.quarantines.filter(({ seq }) => !seqs.includes(seq));
  }

  judge(quarantine: Quarantine): void {
    this.quarantines = mergeQuarantines(this.quarantines, [quarantine]);
  }

  beginBoot(bootId: string): void {
    this.loads = this.loads.filter((load) => load.bootId === bootId);
  }
}

const later = (known: Seq, recorded: number): Seq => {
  const seq = parseSeq(recorded);
  return seq > known ? seq : known;
};

const damaged = (file: string, what: string, cause?: unknown): LockstepError =>
  new LockstepError('corrupt', 'journal-damaged', `${file} is damaged: ${what}. ${journalRemedy}`, { file }, { cause });

function replay(
  log: LogName,
  records: readonly JournalRecord[],
  checks: LogChecks,
  file: string,
  { endedBoots = [], newestKey: kept }: KnownElsewhere,
): Recorded {
  const received: LogEntry[] = [];
  const boots = new LoadHistory();
  let signedHead: SignedHead | undefined;
  let followsSinceMs: number | undefined;
  let target = seqZero;
  let position = seqZero;
  let disowned: readonly ModuleName[] = [];
  for (const record of records) {
    switch (record.kind) {
      case 'entry':
        // Fields that are younger than the record are not in it: they have their defaults.
        received.push(entryFromWire(WireLogEntry.fromPartial(record.entry)));
        break;
      case 'head':
        signedHead = headFromWire(WireHead.fromPartial(record.head));
        break;
      case 'since':
        followsSinceMs ??= record.atMs;
        break;
      case 'target':
        target = later(target, record.seq);
        break;
      case 'position':
        position = later(position, record.seq);
        break;
      case 'load':
        boots.begin(record);
        break;
      case 'stable':
        boots.becomeStable(record.seqs, record.bootId);
        break;
      case 'quarantine':
        boots.judge(record.quarantine);
        break;
      case 'repair':
        disowned = record.modules.map(parseModuleName);
        break;
      case 'boot':
        boots.beginBoot(record.bootId);
        break;
    }
  }
  // Whoever can write this file must not thereby load modules: the signatures count, not the file.
  const checked = extendLog(log, [], received, checks);
  if (checked.kind === 'refused') {
    const { reason, ...where } = checked.refusal;
    throw new LockstepError(
      'corrupt',
      'journal-not-signed',
      `The load order in ${file} is not the one of this cluster and kernel build (${reason}). ${journalRemedy}`,
      { file, refusal: reason, ...('seq' in where ? { seq: where.seq } : {}) },
    );
  }
  if (position > target || target > checked.entries.length) {
    throw damaged(file, `it holds position #${position} and target #${target}, and ${checked.entries.length} entries`);
  }
  const { loads, quarantines } = boots;
  const { entries } = checked;
  const key = newestKey(kept, entries);
  const history = { loads, endedBoots, quarantines };
  // Signed or not, it only says since when nothing was heard: who can write this file can stop the agent.
  const heard = {
    ...(key === undefined ? {} : { newestKey: key }),
    ...(signedHead === undefined ? {} : { signedHead }),
    ...(followsSinceMs === undefined ? {} : { followsSinceMs }),
  };
  return { log, entries, target, position, ...history, disowned, ...heard };
}

/** Whole lines that hold what is no record are damage too. */
function replayWhole(...[log, records, checks, file, elsewhere]: Parameters<typeof replay>): Recorded {
  try {
    return replay(log, records, checks, file, elsewhere);
  } catch (error) {
    if (!(error instanceof LockstepError) || error.kind !== 'invalid-input') throw error;
    throw damaged(file, error.message.replace(/\.$/, ''), error);
  }
}

const entryRecord = (entry: LogEntry): JournalRecord => ({ kind: 'entry', entry: entryToWire(entry) });

const headRecord = (head: SignedHead): JournalRecord => ({ kind: 'head', head: headToWire(head) });

const loadRecord = ({ seq, bootId, atMs }: BegunLoad): JournalRecord => ({ kind: 'load', seq, bootId, atMs });

const quarantineRecord = (quarantine: Quarantine): JournalRecord => ({ kind: 'quarantine', quarantine });

/** The fewest records that say the same. */
function shortestOf(recorded: Recorded): JournalRecord[] {
  const { entries, signedHead, followsSinceMs, target, position, loads, quarantines, disowned } = recorded;
  return [
    ...entries.map(entryRecord),
    ...(signedHead === undefined ? [] : [headRecord(signedHead)]),
    ...(followsSinceMs === undefined ? [] : [{ kind: 'since', atMs: followsSinceMs } as const]),
    { kind: 'target', seq: target },
    { kind: 'position', seq: position },
    ...loads.flatMap((load): JournalRecord[] =>
      load.stable ? [loadRecord(load), { kind: 'stable', seqs: [load.seq], bootId: load.bootId }] : [loadRecord(load)],
    ),
    ...quarantines.map(quarantineRecord),
    ...(disowned.length > 0 ? [{ kind: 'repair', modules: disowned } as const] : []),
  ];
}

/** A journal with so many records more than it needs is written anew when it is opened: each boot adds some. */
const surplusRecords = 512;

/**
 * Opens the journal of `log`, or starts it.
 * @throws LockstepError `corrupt` when its records are damaged, unsigned, or another log's.
 */
export async function openAgentJournal(
  file: string,
  log: LogName,
  checks: LogChecks,
  elsewhere: KnownElsewhere = {},
  openHandle?: OpenRecordHandle,
): Promise<AgentJournal> {
  const { journal, records } = await RecordFile.open(file, openHandle);
  const replayed = replayWhole(log, records as readonly JournalRecord[], checks, file, elsewhere);
  const recorded = { followsSinceMs: elsewhere.nowMs, ...replayed };
  // A disk that takes nothing more must not keep a stack from being restored: then it is counted from the next time.
  if (replayed.followsSinceMs === undefined && elsewhere.nowMs !== undefined) {
    await journal.append([{ kind: 'since', atMs: elsewhere.nowMs }]).catch(() => undefined);
  }
  const shortest = shortestOf(recorded);
  if (records.length > shortest.length + surplusRecords) await journal.replaceWith(shortest);
  const append = (...added: JournalRecord[]): Promise<void> => journal.append(added);
  return {
    recorded,
    recordEntries: (entries) => append(...entries.map(entryRecord)),
    recordHead: (head) => append(headRecord(head)),
    recordTarget: (seq) => append({ kind: 'target', seq }),
    recordPosition: (seq) => append({ kind: 'position', seq }),
    recordBoot: (bootId, found) => append(...found.map(quarantineRecord), { kind: 'boot', bootId }),
    recordLoad: (load) => append(loadRecord(load)),
    recordStable: (seqs, bootId) => append({ kind: 'stable', seqs, bootId }),
    recordQuarantines: (quarantines) => append(...quarantines.map(quarantineRecord)),
    recordRepair: (modules) => append({ kind: 'repair', modules }),
    close: () => journal.close(),
  };
}
