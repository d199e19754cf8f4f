// SPDX-License-Identifier: GPL-2.0-only
import type { AppendRetireRequest, AppendRetireResponse } from '@lockstep/contracts/generated';
import { caveatToWire, entryToWire } from '@lockstep/contracts/wire';
import { parseSeq } from '@lockstep/domain/livepatch-model';
import type { LogEntry } from '@lockstep/domain/load-order';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';
import { appendEntry, type Appender } from './append-entry';
import { chooseLog, type LogChooser } from './choose-log';

/** Takes an entry out of the stack, by one more entry: positions only grow. */
export async function appendRetire(
  services: Uses<LogChooser | Appender | 'rollouts'>,
  request: AppendRetireRequest,
  { kept }: KeepingContext<AppendRetireResponse>,
): Promise<AppendRetireResponse> {
  const log = await chooseLog(services, request);
  const retires = parseSeq(request.seq);
  // Before: what an entry holds never changes, and one that is not there is not retired.
  const [retired] = await services.db.loadOrders.entries(log, retires - 1);
  const caveats = retired?.body.kind === 'load' ? (retired.body.artifact.caveats ?? []) : [];
  const answer = (entry: LogEntry): AppendRetireResponse => ({
    entry: entryToWire(entry),
    caveats: caveats.filter(({ kind }) => kind === 'stays-loaded').map(caveatToWire),
  });
  const entry = await appendEntry(
    services,
    log,
    () => ({ kind: 'retire', retires }),
    request.expectedSeq,
    kept(answer),
  );
  // A rollout may be about to ship it.
  services.rollouts.wake(log.cluster);
  return answer(entry);
}
