// SPDX-License-Identifier: GPL-2.0-only
import type { AppendLoadRequest, AppendLoadResponse } from '@lockstep/contracts/generated';
import { entryToWire, switchingFromWire } from '@lockstep/contracts/wire';
import { LockstepError, parseSeq, type Seq } from '@lockstep/domain/livepatch-model';
import { conflictsWith } from '@lockstep/domain/conflicts';
import {
  stackAt,
  stackOwners,
  type EntryBody,
  type LogEntry,
  type LogName,
  type Stack,
  type Switching,
} from '@lockstep/domain/load-order';
import type { BuiltRecord, KeptCall, PatchRecord } from '@lockstep/io/database';
import { buildJobId } from '../jobs/work-tracker';
import { tellRefusal } from '../events/operator-events';
import type { KeepingContext } from '../grpc/kept-answer';
import { linkTo } from '@lockstep/platform/tracing';
import type { Uses } from '../services';
import { appendEntry, type Appender } from './append-entry';
import { builtFor, type BuildChooser, type ChooseBuild, type FittingBuild } from './choose-build';
import { chooseLog, type LogChooser } from './choose-log';

/** A patch of the stack by seq (`3` or `#3`), name or id. A name that is in it twice means each of them. */
function overridden(stack: Stack, named: string): Seq[] {
  const asSeq = /^#?(\d+)$/.exec(named)?.[1];
  const seqs = stack
    .filter(({ seq, body: { artifact } }) =>
      asSeq === undefined ? artifact.patchName === named || artifact.patch === named : seq === Number(asSeq),
    )
    .map(({ seq }) => seq);
  if (seqs.length > 0) return seqs;
  const inStack = stack.map(({ seq, body }) => `${body.artifact.patchName} (#${seq})`);
  const message = `There is no "${named}" in the stack that could be overridden; it holds ${inStack.join(', ') || 'nothing'}.`;
  throw new LockstepError('invalid-input', 'unknown-override', message, { override: named, stack: inStack });
}

/** What was built onto a patch contains its change: shadowing it needs no further word. */
function containedVictims(stack: Stack, { build, builtOnto }: FittingBuild): Seq[] {
  if (build.artifact.replace) return [];
  const victims = conflictsWith(build.artifact.functions, stackOwners(stack)).map(({ owner }) => owner);
  return builtOnto.filter((seq) => victims.includes(seq));
}

/**
 * Once it is signed every node must be able to get exactly this file. One that was evicted is built again.
 * @throws LockstepError `artifact-damaged`, `artifact-missing`
 */
async function checkModule(
  { artifacts, db, work }: Uses<'artifacts' | 'db.builds' | 'work'>,
  build: BuiltRecord,
): Promise<void> {
  try {
    await artifacts.verify(build.artifact);
  } catch (error) {
    if (!(error instanceof LockstepError) || error.reason !== 'artifact-missing') throw error;
    const again = await db.builds.rebuild(build);
    work.request(buildJobId(again));
    const message =
      `The module of ${build.patchName} is no longer in the artifact store. It is being built again: ` +
      `append it when \`lockstep build watch ${build.id}\` has ended.`;
    const { sha256 } = build.artifact;
    throw new LockstepError('refused', 'artifact-missing', message, { build: build.id, sha256 }, { cause: error });
  }
}

/** How an entry is to load a patch. */
export interface LoadWish {
  /** Patches of the stack, as they are named, that it may shadow. */
  readonly overrides: readonly string[];
  readonly mayInterrupt: boolean;
  readonly switching: Switching;
}

/** The entry's body over a log: of the build that fits its stack best. @throws LockstepError `unknown-override`, and as `choose`. */
export const loadBody =
  (choose: ChooseBuild, { overrides: wanted, mayInterrupt, switching }: LoadWish) =>
  (entries: readonly LogEntry[]): EntryBody => {
    const stack = stackAt(entries, parseSeq(entries.length));
    const fitting = choose(stack);
    const named = wanted.flatMap((override) => overridden(stack, override));
    const overrides = [...new Set([...named, ...containedVictims(stack, fitting)])].sort((a, b) => a - b);
    const { build, builtOnto } = fitting;
    const interrupting = mayInterrupt ? { mayInterrupt: true as const } : {};
    return { kind: 'load', artifact: build.artifact, overrides, builtOnto, ...switching, ...interrupting };
  };

/** What ordering a patch needs. */
export type PatchOrderer = BuildChooser | Appender | 'evictor' | 'artifacts' | 'work' | 'events' | 'log';

export interface PatchOrder {
  readonly patch: PatchRecord;
  readonly choose: ChooseBuild;
  readonly wish: LoadWish;
  /** Only if the entry gets it; 0: whatever it gets. */
  readonly expectedSeq: number;
  readonly call?: KeptCall<LogEntry>;
}

/** @throws LockstepError `unforced-conflict` and the other rules of the load order, `artifact-missing`. */
export function orderPatch(
  services: Uses<PatchOrderer>,
  log: LogName,
  { patch, choose, wish, expectedSeq, call }: PatchOrder,
): Promise<LogEntry> {
  const { db, evictor, traces } = services;
  return evictor.withoutEviction(async () => {
    const known = await db.loadOrders.entries(log);
    const { build } = choose(stackAt(known, parseSeq(known.length)));
    await checkModule(services, build);
    linkTo(traces.find(buildJobId(build)));
    const appending = appendEntry(services, log, loadBody(choose, wish), expectedSeq, call);
    return appending.catch((error: unknown) => tellRefusal(services, log, patch.name, error));
  });
}

/** @throws LockstepError as `orderPatch`, `not-built`. */
export async function appendLoad(
  services: Uses<LogChooser | PatchOrderer | 'db.clusters'>,
  request: AppendLoadRequest,
  { kept }: KeepingContext<AppendLoadResponse>,
): Promise<AppendLoadResponse> {
  const { db } = services;
  const log = await chooseLog(services, request);
  const patch = await db.patches.require(request.patch);
  const choose = await builtFor(db, log, patch, request.buildId);
  const switching = { ...(await db.clusters.require(log.cluster)).switching, ...switchingFromWire(request) };
  const { overrides, mayInterrupt, expectedSeq } = request;
  const answer = (entry: LogEntry) => ({ entry: entryToWire(entry) });
  const wish = { overrides, mayInterrupt, switching };
  return answer(await orderPatch(services, log, { patch, choose, wish, expectedSeq, call: kept(answer) }));
}
