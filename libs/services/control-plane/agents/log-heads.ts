// SPDX-License-Identifier: GPL-2.0-only
import { ConnectResponse } from '@lockstep/contracts/generated';
import { headToWire } from '@lockstep/contracts/wire';
import { LockstepError, parseSeq } from '@lockstep/domain/livepatch-model';
import {
  currentKey,
  encodeHead,
  headHash,
  headLifeMs,
  type HeadStatement,
  type LogName,
  type SignedHead,
} from '@lockstep/domain/load-order';
import type { LogKeyring } from '@lockstep/io/certificates';
import type { LoadOrderStore } from '@lockstep/io/database';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import type { Logger } from 'pino';
import type { AgentSessions } from './agent-sessions';
import { EncodedResponse, keyOfLog, type KnownLogs } from './known-logs';

/** How old a head may be that is told: nodes hear a new one this often, and raise the alarm when they have heard none for a day. */
const refreshEveryMs = 3_600_000;
/** Over so long the nodes of all load orders are told anew: at once they would hold up everything else. */
const tellOverMs = 600_000;
/** As many heads are remembered of load orders without an entry. */
const mostEmpty = 256;

export interface LogHeadsParts {
  readonly logs: Pick<KnownLogs, 'entries' | 'names'>;
  readonly store: Pick<LoadOrderStore, 'keys'>;
  readonly keys: Pick<LogKeyring, 'sign'>;
  readonly sessions: Pick<AgentSessions, 'wakeAll'>;
  readonly log: Pick<Logger, 'error'>;
  /** Since 1970. */
  readonly nowMs?: () => number;
}

/** A head, and the message that tells it: the same object as long as there is nothing newer to tell. */
export interface ToldHead {
  readonly head: SignedHead;
  readonly message: EncodedResponse;
}

function tell(head: SignedHead): ToldHead {
  const response: ConnectResponse = { message: { $case: 'signedHead', value: headToWire(head) } };
  return { head, message: new EncodedResponse(Buffer.from(ConnectResponse.encode(response).finish())) };
}

/** Says where load orders end, signed, and says it again before that is too old: who is told nothing more notices. */
export class LogHeads {
  private readonly told = new Map<string, ToldHead>();
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly parts: LogHeadsParts) {}

  start(): void {
    const { logs, sessions, log } = this.parts;
    this.timer = setInterval(() => {
      for (const name of logs.names()) {
        sessions.wakeAll(name, tellOverMs).catch((err: unknown) => {
          log.error({ err, ...name }, 'could not tell nodes where their load order ends');
        });
      }
    }, refreshEveryMs);
  }

  stop(): Promise<void> {
    clearInterval(this.timer);
    return Promise.resolve();
  }

  /** What nodes are told; nothing where no key is there to sign it with, which they notice in time. */
  async toldHeadOf(log: LogName): Promise<ToldHead | undefined> {
    try {
      return await this.headOf(log);
    } catch (err) {
      if (!(err instanceof LockstepError) || err.reason !== 'log-key-missing') throw err;
      this.parts.log.error({ err, ...log }, 'cannot sign where the load order ends');
      return undefined;
    }
  }

  private forgetEmpty(): void {
    const empty = [...this.told].filter(([, { head }]) => head.seq === 0);
    for (const [key] of empty.slice(0, Math.max(0, empty.length - mostEmpty))) this.told.delete(key);
  }

  /** @throws LockstepError `not-found` `log-key-missing`, and what reading the log throws. */
  async headOf(log: LogName): Promise<ToldHead> {
    const entries = await this.parts.logs.entries(log);
    const before = this.told.get(keyOfLog(log));
    const nowMs = this.parts.nowMs?.() ?? Date.now();
    const isFresh = before !== undefined && Math.abs(nowMs - before.head.issuedAtMs) < refreshEveryMs;
    if (isFresh && before.head.seq === entries.length) return before;
    // One without entries is signed by the key that its first one will be.
    const key = entries.length > 0 ? currentKey(entries) : (await this.parts.store.keys(log.cluster)).at(-1);
    const place = {
      cluster: log.cluster,
      kernelBuild: log.kernelBuild,
      seq: parseSeq(entries.length),
      hash: headHash(entries),
    };
    const statement: HeadStatement = { ...place, key, issuedAtMs: nowMs, expiresAtMs: nowMs + headLifeMs };
    const signature = await this.parts.keys.sign(key, sha256OfBytes(encodeHead(statement)));
    const told = tell({ ...statement, signature });
    this.told.delete(keyOfLog(log));
    this.told.set(keyOfLog(log), told);
    this.forgetEmpty();
    return told;
  }
}
