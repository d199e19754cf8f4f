// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError, type ClusterName } from '@lockstep/domain/livepatch-model';
import type { Freeze, LoadWindow, Schedule, Weekday, ZoneName } from '@lockstep/domain/schedule';
import { once, type KeptCall } from './call-answers';
import { serialisable, type Client, type Transaction } from './client';
import { requireCluster } from './clusters';
import type { Freeze as FreezeRow, LoadWindow as WindowRow } from './generated/client';

export interface WindowRecord extends LoadWindow {
  readonly cluster: ClusterName;
}

export interface FreezeRecord extends Freeze {
  /** Undefined: of every cluster. */
  readonly cluster: ClusterName | undefined;
}

const windowFromRow = ({ clusterName, zone, days, ...row }: WindowRow): WindowRecord => ({
  ...{ name: row.name, cluster: clusterName as ClusterName, selector: row.selector, zone: zone as ZoneName },
  ...{ days: days as Weekday[], startMinute: row.startMinute, lengthMs: row.lengthMs, cutoffMs: row.cutoffMs },
});

const freezeFromRow = ({ name, clusterName, selector, fromAt, untilAt, reason }: FreezeRow): FreezeRecord => ({
  ...{ name, selector, reason, cluster: (clusterName ?? undefined) as ClusterName | undefined },
  ...{ fromMs: fromAt.getTime(), untilMs: untilAt.getTime() },
});

/** Each is looked at for every plan; more are a mistake. */
const mostOfEach = 100;

export interface ScheduleStore {
  /** What holds for the nodes of each cluster; `all`: where a cluster has nothing of its own. */
  read(): Promise<{ readonly of: ReadonlyMap<ClusterName, Schedule>; readonly all: Schedule }>;
  /** By cluster, then name. */
  windows(cluster?: ClusterName): Promise<WindowRecord[]>;
  /** Those of every cluster too; by their ends. */
  freezes(cluster?: ClusterName): Promise<FreezeRecord[]>;
  /** @throws LockstepError `already-exists` `window-exists`, `refused` `too-many-windows`, `not-found` `unknown-cluster`. */
  addWindow(window: WindowRecord, call?: KeptCall<WindowRecord>): Promise<WindowRecord>;
  /** @returns it as it was. @throws LockstepError `not-found` `unknown-window`. */
  removeWindow(cluster: ClusterName, name: string, call?: KeptCall<WindowRecord>): Promise<WindowRecord>;
  /** @throws LockstepError `already-exists` `freeze-exists`, `refused` `too-many-freezes`, `not-found` `unknown-cluster`. */
  addFreeze(freeze: FreezeRecord, call?: KeptCall<FreezeRecord>): Promise<FreezeRecord>;
  /** @returns it as it was. @throws LockstepError `not-found` `unknown-freeze`. */
  removeFreeze(cluster: ClusterName | undefined, name: string, call?: KeptCall<FreezeRecord>): Promise<FreezeRecord>;
}

async function insertWindow(tx: Transaction, { cluster, days, ...rest }: WindowRecord): Promise<WindowRecord> {
  await requireCluster(tx, cluster);
  const { name } = rest;
  if ((await tx.loadWindow.count({ where: { clusterName: cluster, name } })) > 0) {
    const message = `Cluster "${cluster}" has a window "${name}" already: \`lockstep window rm ${name} --cluster ${cluster}\` first, or choose another name.`;
    throw new LockstepError('already-exists', 'window-exists', message, { cluster, window: name });
  }
  if ((await tx.loadWindow.count({ where: { clusterName: cluster } })) >= mostOfEach) {
    const message = `Cluster "${cluster}" has ${mostOfEach} windows: remove one first (lockstep window ls).`;
    throw new LockstepError('refused', 'too-many-windows', message, { cluster });
  }
  return windowFromRow(await tx.loadWindow.create({ data: { ...rest, clusterName: cluster, days: [...days] } }));
}

async function insertFreeze(tx: Transaction, freeze: FreezeRecord): Promise<FreezeRecord> {
  const { cluster, name, selector, reason, fromMs, untilMs } = freeze;
  if (cluster !== undefined) await requireCluster(tx, cluster);
  if ((await tx.freeze.count({ where: { name } })) > 0) {
    const message = `There is a freeze "${name}" already: \`lockstep freeze ls\` lists them, choose another name.`;
    throw new LockstepError('already-exists', 'freeze-exists', message, { freeze: name });
  }
  // Those that are over are in nobody's way.
  if ((await tx.freeze.count({ where: { untilAt: { gt: new Date(fromMs) } } })) >= mostOfEach) {
    const message = `There are ${mostOfEach} freezes: remove one first (lockstep freeze ls).`;
    throw new LockstepError('refused', 'too-many-freezes', message);
  }
  const times = { fromAt: new Date(fromMs), untilAt: new Date(untilMs) };
  const data = { name, selector, reason, ...times, clusterName: cluster ?? null };
  return freezeFromRow(await tx.freeze.create({ data }));
}

async function deleteWindow(tx: Transaction, clusterName: ClusterName, name: string): Promise<WindowRecord> {
  const where = { clusterName_name: { clusterName, name } };
  const row = await tx.loadWindow.findUnique({ where });
  if (row === null) {
    const message = `Cluster "${clusterName}" has no window "${name}": \`lockstep window ls\` lists them.`;
    throw new LockstepError('not-found', 'unknown-window', message, { cluster: clusterName, window: name });
  }
  await tx.loadWindow.delete({ where });
  return windowFromRow(row);
}

async function deleteFreeze(tx: Transaction, cluster: ClusterName | undefined, name: string): Promise<FreezeRecord> {
  const row = await tx.freeze.findUnique({ where: { name } });
  if (row === null || row.clusterName !== (cluster ?? null)) {
    const whose = cluster === undefined ? 'of every cluster' : `of cluster "${cluster}"`;
    const message = `There is no freeze "${name}" ${whose}: \`lockstep freeze ls\` lists them, each with its cluster.`;
    throw new LockstepError('not-found', 'unknown-freeze', message, { freeze: name });
  }
  await tx.freeze.delete({ where: { name } });
  return freezeFromRow(row);
}

export function scheduleStore(db: Client): ScheduleStore {
  const windows = async (cluster?: ClusterName): Promise<WindowRecord[]> => {
    const where = cluster === undefined ? {} : { clusterName: cluster };
    const rows = await db.loadWindow.findMany({ where, orderBy: [{ clusterName: 'asc' }, { name: 'asc' }] });
    return rows.map(windowFromRow);
  };
  const freezes = async (cluster?: ClusterName): Promise<FreezeRecord[]> => {
    const where = cluster === undefined ? {} : { OR: [{ clusterName: cluster }, { clusterName: null }] };
    const rows = await db.freeze.findMany({ where, orderBy: [{ untilAt: 'asc' }, { name: 'asc' }] });
    return rows.map(freezeFromRow);
  };
  return {
    windows,
    freezes,
    async read() {
      const [allWindows, allFreezes] = [await windows(), await freezes()];
      const everywhere = allFreezes.filter(({ cluster }) => cluster === undefined);
      const named = new Set([...allWindows, ...allFreezes].flatMap(({ cluster }) => cluster ?? []));
      const scheduleOf = (name: ClusterName): Schedule => ({
        windows: allWindows.filter(({ cluster }) => cluster === name),
        freezes: allFreezes.filter(({ cluster }) => cluster === undefined || cluster === name),
      });
      return {
        of: new Map([...named].map((name) => [name, scheduleOf(name)])),
        all: { windows: [], freezes: everywhere },
      };
    },
    addWindow: (window, call) => serialisable(db, (tx) => once(tx, call, () => insertWindow(tx, window))),
    removeWindow: (cluster, name, call) =>
      serialisable(db, (tx) => once(tx, call, () => deleteWindow(tx, cluster, name))),
    addFreeze: (freeze, call) => serialisable(db, (tx) => once(tx, call, () => insertFreeze(tx, freeze))),
    removeFreeze: (cluster, name, call) =>
      serialisable(db, (tx) => once(tx, call, () => deleteFreeze(tx, cluster, name))),
  };
}
