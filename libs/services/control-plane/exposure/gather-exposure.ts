// SPDX-License-Identifier: GPL-2.0-only
import type { NodeReport } from '@lockstep/contracts/generated';
import { functionFromWire, nodeStatusFromWire } from '@lockstep/contracts/wire';
import {
  fixFacts,
  judgeExposure,
  type CveId,
  type Exposure,
  type FixFacts,
  type ShownNode,
} from '@lockstep/domain/cve-exposure';
import { LockstepError, type KernelBuildId, type ModuleName, type Sha256 } from '@lockstep/domain/livepatch-model';
import type { LogEntry, LogName } from '@lockstep/domain/load-order';
import type { BuildRecord, BuiltRecord, NodeRecord, PatchRecord } from '@lockstep/io/database';
import { inTurns } from '../agents/in-turns';
import { keyOfLog } from '../agents/known-logs';
import type { Stores, Uses } from '../services';

/** What judging exposure needs. */
export type ExposureGatherer = 'db.patches' | 'db.builds' | 'logs' | 'sessions';

export interface CveFixes {
  readonly cve: CveId;
  readonly patches: readonly PatchRecord[];
  readonly builds: readonly BuiltRecord[];
}

export interface NodeExposure {
  readonly node: NodeRecord;
  readonly exposure: Exposure;
}

export interface CveVerdicts extends CveFixes {
  /** In the order of the nodes. */
  readonly verdicts: readonly NodeExposure[];
}

function reportShown(report: NodeReport | null): ShownNode['report'] {
  if (report === null) return null;
  const stack = report.stack.map(({ moduleName, enabled, transition, functions, artifactSha256 }) => ({
    module: moduleName as ModuleName,
    ...{ enabled, transition, functions: functions.map(functionFromWire) },
    artifact: artifactSha256 === '' ? undefined : (artifactSha256 as Sha256),
  }));
  return { status: nodeStatusFromWire(report.status), stack };
}

const isBuilt = (build: BuildRecord): build is BuiltRecord => build.artifact !== null;

/** @throws LockstepError `not-found` `unknown-cve` for one that no patch names. */
async function fixesOf(db: Stores<'builds'>, cve: CveId, patches: readonly PatchRecord[]): Promise<CveFixes> {
  const naming = patches.filter(({ cves }) => cves.includes(cve));
  if (naming.length === 0) {
    const message = `No patch here names ${cve}: lockstep patch ls --cve CVE finds those that do, patch submit --cve ${cve} makes one.`;
    throw new LockstepError('not-found', 'unknown-cve', message, { cve });
  }
  const builds = await Promise.all(naming.map(({ id }) => db.builds.ofPatch(id)));
  return { cve, patches: naming, builds: builds.flat().filter(isBuilt) };
}

/** The load orders of the nodes, by their keys. */
async function entriesOf(logs: Uses<'logs'>['logs'], nodes: readonly NodeRecord[]) {
  const entries = new Map<string, readonly LogEntry[]>();
  for (const { cluster, kernelBuild } of nodes) {
    if (kernelBuild === null) continue;
    const log: LogName = { cluster, kernelBuild };
    if (!entries.has(keyOfLog(log))) entries.set(keyOfLog(log), await logs.entries(log));
  }
  return entries;
}

/** A CVE's facts for each load order, made when the first of its nodes asks. */
function factsByLog({ patches, builds }: CveFixes, entries: ReadonlyMap<string, readonly LogEntry[]>) {
  const ids = new Set(patches.map(({ id }) => id));
  const known = new Map<string, FixFacts>();
  return (cluster: LogName['cluster'], kernelBuild: KernelBuildId): FixFacts => {
    const key = keyOfLog({ cluster, kernelBuild });
    const built = (): BuiltRecord[] => builds.filter((build) => build.kernelBuild === kernelBuild);
    const facts =
      known.get(key) ??
      fixFacts(
        (patch) => ids.has(patch),
        built().map(({ artifact }) => artifact),
        entries.get(key) ?? [],
      );
    known.set(key, facts);
    return facts;
  };
}

/**
 * Of each CVE (all that patches name, if `cves` is empty) whether the nodes run a fix of it.
 * @throws LockstepError `not-found` `unknown-cve`.
 */
export async function gatherExposure(
  { db, logs, sessions }: Uses<ExposureGatherer>,
  cves: readonly CveId[],
  nodes: readonly NodeRecord[],
): Promise<CveVerdicts[]> {
  const patches = await db.patches.list();
  const asked = cves.length > 0 ? cves : ([...new Set(patches.flatMap((patch) => patch.cves))].sort() as CveId[]);
  const fixes: CveFixes[] = [];
  for (const cve of asked) fixes.push(await fixesOf(db, cve, patches));
  const entries = await entriesOf(logs, nodes);
  const shown = new Map<NodeRecord, ShownNode>();
  await inTurns(nodes, (node) => {
    shown.set(node, { connected: sessions.isConnected(node.name), report: reportShown(node.report) });
  });
  const judged: CveVerdicts[] = [];
  for (const each of fixes) {
    const factsOf = factsByLog(each, entries);
    const verdicts: NodeExposure[] = [];
    await inTurns([...shown], ([node, seen]) => {
      const exposure: Exposure =
        node.kernelBuild === null
          ? { reason: 'never-reported' }
          : judgeExposure(seen, factsOf(node.cluster, node.kernelBuild));
      verdicts.push({ node, exposure });
    });
    judged.push({ ...each, verdicts });
  }
  return judged;
}
