// SPDX-License-Identifier: GPL-2.0-only
import type {
  AddFreezeRequest,
  AddFreezeResponse,
  AddWindowRequest,
  AddWindowResponse,
  ListFreezesRequest,
  ListFreezesResponse,
  ListWindowsRequest,
  ListWindowsResponse,
  RemoveFreezeRequest,
  RemoveFreezeResponse,
  RemoveWindowRequest,
  RemoveWindowResponse,
} from '@lockstep/contracts/generated';
import { parseSelector } from '@lockstep/domain/labels';
import { parseClusterName } from '@lockstep/domain/livepatch-model';
import { parseFreezeTimes, parseScheduleName, parseTimes } from '@lockstep/domain/schedule';
import type { FreezeRecord, WindowRecord } from '@lockstep/io/database';
import { scheduleChanged } from '../events/operator-events';
import type { CallContext } from '../grpc/call-route';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';
import { freezeToWire, windowToWire } from '../views/schedule-view';
import { askedReason } from './asked-reason';
import { clusterNamed, visibleTo } from './chosen-nodes';

type Changes = Uses<'db.schedules' | 'db.clusters' | 'rollouts' | 'replica' | 'events' | 'log'>;

const windowAnswer = (window: WindowRecord) => ({ window: windowToWire(window) });
const freezeAnswer = (freeze: FreezeRecord) => ({ freeze: freezeToWire(freeze) });

/** Whoever waits is planned for anew, and others are told. That cannot be undone by a failure to tell. */
async function tell(
  { rollouts, replica, events, log }: Changes,
  change: Parameters<typeof scheduleChanged>[0],
): Promise<void> {
  rollouts.noticeSchedule();
  replica.announce({ kind: 'schedules' });
  await events.record([scheduleChanged(change)]).catch((err: unknown) => {
    log.warn({ err }, 'cannot tell that windows or freezes have changed');
  });
}

export async function addWindow(
  services: Changes,
  request: AddWindowRequest,
  { kept }: KeepingContext<AddWindowResponse>,
): Promise<AddWindowResponse> {
  const { zone, days, start, lengthSeconds, cutoffSeconds, selector } = request;
  parseSelector(selector);
  const times = parseTimes({ zone, days, start, lengthMs: lengthSeconds * 1_000, cutoffMs: cutoffSeconds * 1_000 });
  const window = {
    ...{ cluster: parseClusterName(request.cluster), name: parseScheduleName(request.name), selector },
    ...times,
  };
  const added = await services.db.schedules.addWindow(window, kept(windowAnswer));
  await tell(services, { kind: 'window', ...added, isThere: true });
  return windowAnswer(added);
}

export async function listWindows(
  { db }: Uses<'db.schedules' | 'db.clusters'>,
  { cluster }: ListWindowsRequest,
  context: CallContext,
): Promise<ListWindowsResponse> {
  const isVisible = visibleTo(context);
  const windows = await db.schedules.windows(await clusterNamed(db, cluster));
  return { windows: windows.filter((each) => isVisible(each.cluster)).map(windowToWire) };
}

export async function removeWindow(
  services: Changes,
  { cluster, name }: RemoveWindowRequest,
  { kept }: KeepingContext<RemoveWindowResponse>,
): Promise<RemoveWindowResponse> {
  const removed = await services.db.schedules.removeWindow(parseClusterName(cluster), name, kept(windowAnswer));
  await tell(services, { kind: 'window', ...removed, isThere: false });
  return windowAnswer(removed);
}

export async function addFreeze(
  services: Changes,
  request: AddFreezeRequest,
  { kept }: KeepingContext<AddFreezeResponse>,
): Promise<AddFreezeResponse> {
  const nowMs = Date.now();
  parseSelector(request.selector);
  const freeze = {
    cluster: await clusterNamed(services.db, request.cluster),
    ...{ name: parseScheduleName(request.name), selector: request.selector, reason: askedReason(request.reason) },
    ...parseFreezeTimes(request.from?.getTime() ?? nowMs, request.until?.getTime() ?? NaN, nowMs),
  };
  const added = await services.db.schedules.addFreeze(freeze, kept(freezeAnswer));
  await tell(services, { kind: 'freeze', ...added, isThere: true });
  return freezeAnswer(added);
}

export async function listFreezes(
  { db }: Uses<'db.schedules' | 'db.clusters'>,
  { cluster }: ListFreezesRequest,
  context: CallContext,
): Promise<ListFreezesResponse> {
  const isVisible = visibleTo(context);
  const freezes = await db.schedules.freezes(await clusterNamed(db, cluster));
  const visible = freezes.filter((each) => each.cluster === undefined || isVisible(each.cluster));
  return { freezes: visible.map(freezeToWire) };
}

export async function removeFreeze(
  services: Changes,
  { cluster, name }: RemoveFreezeRequest,
  { kept }: KeepingContext<RemoveFreezeResponse>,
): Promise<RemoveFreezeResponse> {
  const whose = await clusterNamed(services.db, cluster);
  const removed = await services.db.schedules.removeFreeze(whose, name, kept(freezeAnswer));
  await tell(services, { kind: 'freeze', ...removed, isThere: false });
  return freezeAnswer(removed);
}
