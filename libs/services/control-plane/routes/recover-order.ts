// SPDX-License-Identifier: GPL-2.0-only
import type { LostPart, RecoverOrderRequest, RecoverOrderResponse } from '@lockstep/contracts/generated';
import { entryToWire } from '@lockstep/contracts/wire';
import { LockstepError, parseNodeName } from '@lockstep/domain/livepatch-model';
import {
  isLoad,
  recoverLog,
  type LogEntry,
  type LogName,
  type Recovery,
  type Witness,
} from '@lockstep/domain/load-order';
import { logChecksOf } from '@lockstep/io/certificates';
import type { AheadSession } from '../agents/ahead-session';
import { orderRecovered } from '../events/operator-events';
import type { KeepingContext } from '../grpc/kept-answer';
import type { Uses } from '../services';
import { chooseLog, type LogChooser } from './choose-log';

/** The connected nodes that know more of this log than we do; only those named, if any are. */
function witnessesOf({ sessions }: Uses<'sessions'>, log: LogName, from: readonly string[]): AheadSession[] {
  const ahead = sessions.ahead(log);
  const wanted = new Set(from.map(parseNodeName));
  const missing = [...wanted].filter((name) => ahead.every(({ node }) => node !== name));
  if (missing.length > 0 || ahead.length === 0) {
    const who = missing.length > 0 ? `Not connected and ahead: ${missing.join(', ')}` : 'No connected node is ahead';
    const message = `${who}. \`lockstep node ls --cluster ${log.cluster}\` shows which are; one that is forked tells why.`;
    throw new LockstepError('refused', 'nobody-ahead', message, { cluster: log.cluster, nodes: missing });
  }
  return wanted.size === 0 ? ahead : ahead.filter(({ node }) => wanted.has(node));
}

/** @throws LockstepError `refused` `histories-disagree`, `entries-do-not-verify`. */
function insistRecovered(log: LogName, recovery: Recovery): readonly LogEntry[] {
  switch (recovery.kind) {
    case 'recovered':
      return recovery.entries;
    case 'refused': {
      const { node, refusal } = recovery;
      const message = `What ${node} tells does not go on from here: ${refusal.reason}. Nothing was taken.`;
      throw new LockstepError('refused', 'entries-do-not-verify', message, { node, reason: refusal.reason });
    }
    case 'disagreement': {
      const { seq, sides } = recovery;
      const told = sides.map(({ hash, nodes }) => `${hash.slice(0, 12)}… by ${nodes.join(', ')}`);
      const message =
        `The nodes hold different entries #${seq}, all rightly signed: ${told.join('; ')}. Nothing was taken. Choose ` +
        `whom to follow with --from; the others stay forked. (lockstep order recover --cluster ${log.cluster} --from NODE)`;
      throw new LockstepError('refused', 'histories-disagree', message, { seq, sides: told });
    }
  }
}

/** What the entries name and was lost with them. */
async function lostParts(
  { db, artifacts }: Uses<'db.patches' | 'artifacts'>,
  entries: readonly LogEntry[],
): Promise<LostPart[]> {
  const loads = entries.filter(isLoad);
  const known = await db.patches.names(loads.map(({ body }) => body.artifact.patch));
  const lost: LostPart[] = [];
  for (const { seq, body } of loads) {
    const { patch, patchName } = body.artifact;
    const module = await artifacts.verify(body.artifact).then(
      () => false,
      () => true,
    );
    const diff = !known.has(patch);
    if (module || diff) lost.push({ seq, patchName, patchId: patch, module, diff });
  }
  return lost;
}

type Needs =
  | LogChooser
  | ('db.patches' | 'logs' | 'authority' | 'artifacts' | 'sessions' | 'rollouts' | 'replica' | 'events' | 'log');

/**
 * Takes back what this control plane signed and has lost, from nodes that hold it. All of it is verified again, against
 * the log as it is then, in the transaction that inserts it: killed at any moment, all or nothing was recovered.
 */
export async function recoverOrder(
  services: Uses<Needs>,
  request: RecoverOrderRequest,
  { kept }: KeepingContext<RecoverOrderResponse>,
): Promise<RecoverOrderResponse> {
  const { db, logs, authority, sessions, rollouts, events, log: logger } = services;
  const log = await chooseLog(services, request);
  const chosen = witnessesOf(services, log, request.from);
  const witnesses = chosen
    .map(({ node, entries }): Witness => ({ node, entries }))
    .sort((a, b) => (a.node < b.node ? -1 : 1));
  const checks = logChecksOf(authority.logSigner.publicKeyPem);
  const recover = (known: readonly LogEntry[]) => insistRecovered(log, recoverLog(log, known, witnesses, checks));
  // Looked for before: the transaction is not held up by a store.
  const lost = await lostParts(services, recover(await db.loadOrders.entries(log)));
  const nodes = witnesses.map(({ node }) => node);
  const answer = (recovered: readonly LogEntry[]): RecoverOrderResponse => ({
    entries: recovered.map(entryToWire),
    nodes,
    lost: lost.filter(({ seq }) => recovered.some((entry) => entry.seq === seq)),
  });
  const entries = await db.loadOrders.restore(log, recover, kept(answer)).finally(() => {
    logs.noteGrowth(log);
    services.replica.announce({ kind: 'log', ...log });
  });
  logger.warn({ ...log, seqs: entries.map(({ seq }) => seq), nodes }, 'recovered lost entries from nodes');
  if (entries.length > 0) await events.record([orderRecovered(log, entries, nodes)]);
  await sessions.wakeAll(log);
  rollouts.wake(log.cluster);
  return answer(entries);
}
