// SPDX-License-Identifier: GPL-2.0-only
import { defaultStableMs, stackAt, type LogEntry } from '@lockstep/domain/load-order';
import { parseSeq, type Seq } from '@lockstep/domain/livepatch-model';
import type { BegunLoad, BootFacts, CrashEvidence, Quarantine } from './boot-history';
import type { Known, NodeEffect, Recorded } from './node-state';
import type { Observation } from './observation';

// A patch may take its host down, while it is loaded or minutes later. The journal says that a load began before it
// begins, and that the host was well for a while after it. What began, did not become stable, and was in a boot that
// ended in a crash is not loaded a second time, nor is anything above it.

/** No host that shuts down in order needs longer; a panic after that is another boot's. */
const shutdownTakesMs = 600_000;

/**
 * How the boot of an unjudged load ended. Only a clean shutdown is proof: a hang, a triple fault or a watchdog leave as
 * little behind as a power cut does.
 */
function crashOf(load: BegunLoad, { endedBoots }: Recorded, { panicsAtMs }: BootFacts): CrashEvidence | undefined {
  const ended = endedBoots.find(({ bootId }) => bootId === load.bootId);
  // A panic on the way down counts, whatever was said before it.
  const untilMs = ended === undefined ? Infinity : ended.atMs + shutdownTakesMs;
  if (panicsAtMs.some((atMs) => atMs >= load.atMs && atMs <= untilMs)) return 'panic';
  return ended === undefined ? 'no-clean-shutdown' : undefined;
}

/** What earlier boots did not survive, of what nobody has judged yet. */
export function judgeEarlierBoots(recorded: Recorded, boot: BootFacts): Quarantine[] {
  return recorded.loads.flatMap((load) => {
    if (load.bootId === boot.bootId || load.stable) return [];
    // An operator may have released it before the disk had room for the verdict.
    const isJudged = recorded.quarantines.some(
      ({ seq, crashedBoot }) => seq === load.seq && crashedBoot === load.bootId,
    );
    if (isJudged) return [];
    const evidence = crashOf(load, recorded, boot);
    if (evidence === undefined) return [];
    return [{ seq: load.seq, crashedBoot: load.bootId, foundBoot: boot.bootId, evidence, released: false }];
  });
}

/** The newer word about an entry takes the place of the older one. */
export function mergeQuarantines(before: readonly Quarantine[], newer: readonly Quarantine[]): Quarantine[] {
  const latest = new Map([...before, ...newer].map((each) => [each.seq, each]));
  return [...latest.values()].sort((a, b) => a.seq - b.seq);
}

/** The lowest entry in the way of the target; or else the lowest that was released and is on trial. */
export function quarantineOf(known: Known): Quarantine | undefined {
  const goal = goalOf(known);
  const inTheWay = known.quarantines.find(({ seq, released }) => !released && seq > goal && seq <= known.target);
  return inTheWay ?? known.quarantines.find(({ released }) => released);
}

/** The highest position up to the target whose stack this host has not failed to survive. */
export function goalOf({ entries, target, quarantines }: Known): Seq {
  const barred = new Set(quarantines.filter(({ released }) => !released).map(({ seq }) => seq));
  let goal = target;
  for (;;) {
    const lowest = stackAt(entries, goal).find(({ seq }) => barred.has(seq));
    if (lowest === undefined) return goal;
    goal = parseSeq(lowest.seq - 1);
  }
}

const isOpenIn = (bootId: string, load: BegunLoad): boolean => load.bootId === bootId && !load.stable;

/** The journal says that this load began, and not that it became stable. */
export function hasBegun({ loads, boot }: Known, seq: Seq): boolean {
  return loads.some((load) => load.seq === seq && isOpenIn(boot.bootId, load));
}

function stableMsOf(entries: readonly LogEntry[], seq: Seq): number {
  const body = entries[seq - 1]?.body;
  return (body?.kind === 'load' ? body.stableMs : undefined) ?? defaultStableMs;
}

/**
 * Takes in that the host is up at this moment. `justEnded` is the load whose job has just ended, well or not.
 * A load that failed is on trial too: a kernel may break on the way back.
 */
export function watchLoads(
  known: Known,
  { patches, uptimeMs }: Observation,
  justEnded?: Seq,
): { readonly known: Known; readonly effects: readonly NodeEffect[] } {
  const switching = new Set(patches.filter(({ transition }) => transition).map(({ module }) => module));
  const isSwitching = (seq: Seq): boolean => {
    const body = known.entries[seq - 1]?.body;
    return body?.kind === 'load' && switching.has(body.artifact.moduleName);
  };
  const { bootId } = known.boot;
  const loads = known.loads.map((load): BegunLoad => {
    if (!isOpenIn(bootId, load)) return load;
    if (isSwitching(load.seq)) return { ...load, endedAtUptimeMs: undefined };
    const endedAt = load.seq === justEnded ? uptimeMs : (load.endedAtUptimeMs ?? uptimeMs);
    return { ...load, endedAtUptimeMs: endedAt };
  });
  const survived = loads.filter(
    (load) =>
      isOpenIn(bootId, load) &&
      load.endedAtUptimeMs !== undefined &&
      uptimeMs - load.endedAtUptimeMs >= stableMsOf(known.entries, load.seq),
  );
  const seqs = survived.map(({ seq }) => seq);
  return {
    known: { ...known, loads },
    effects: seqs.length === 0 ? [] : [{ kind: 'record-stable', seqs, bootId }],
  };
}

/** What the journal says once these loads of this boot are stable. */
export function withStable(known: Known, seqs: readonly Seq[]): Known {
  const { bootId } = known.boot;
  return {
    ...known,
    loads: known.loads.map((load) =>
      load.bootId === bootId && seqs.includes(load.seq) ? { ...load, stable: true } : load,
    ),
    quarantines: known.quarantines.filter(({ seq }) => !seqs.includes(seq)),
  };
}

/** What is released with an operator's word about a crash; nothing when it is repeated. */
export function releasedBy({ quarantines }: Known, crashedBoot: string): Quarantine[] {
  return quarantines
    .filter((each) => each.crashedBoot === crashedBoot && !each.released)
    .map((each) => ({ ...each, released: true }));
}

const evidenceInWords: Readonly<Record<CrashEvidence, string>> = {
  panic: 'the kernel left a record of its panic',
  'no-clean-shutdown':
    'it ended without a clean shutdown: a crash, or a power cut or reboot -f that nothing tells from one',
};

export function explainQuarantine({ seq, crashedBoot, foundBoot, evidence }: Quarantine, name: string): string {
  return (
    `This host did not survive entry #${seq}${name === '' ? '' : ` (${name})`}: boot ${crashedBoot} began to load it ` +
    `and did not live through its stable time, as boot ${foundBoot} found (${evidenceInWords[evidence]}). Nothing is ` +
    `loaded from #${seq} on. Retire the entry, or have it tried again with \`lockstep node release\`.`
  );
}
