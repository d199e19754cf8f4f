// SPDX-License-Identifier: GPL-2.0-only
import {
  ServerInterceptingCall,
  ServerListenerBuilder,
  status,
  type Metadata,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { callVerbs } from '@lockstep/contracts/wire';
import { denial, mayAnywhere, subjectOf, type Identity } from '@lockstep/domain/access';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { AuditLog } from '../audit/audit-log';
import { eventOf, type Caller } from '../audit/call-audit';
import type { Uses } from '../services';
import { toStatus } from './call-status';
import { forwardedPeerIn } from './forwarded-peer';
import type { Peer, TlsFront } from './tls-front';

/** What there is to know a caller by before it has said anything. */
export interface Credentials {
  readonly path: string;
  readonly metadata: Metadata;
  readonly peer: Peer;
}

/** @throws LockstepError `unauthenticated`, `forbidden`. */
export type Identify = (credentials: Credentials) => Identity;

/** A connection that has ended meanwhile. */
const nobody: Peer = { certificate: undefined, fault: undefined, isOneTooMany: false };

/** By the headers of their calls; a call that is over is forgotten with them. */
const callers = new WeakMap<Metadata, Caller>();

/** Whoever was let in. */
export function callerOf(metadata: Metadata): Caller {
  const caller = callers.get(metadata);
  if (caller !== undefined) return caller;
  throw new LockstepError('internal', 'caller-unknown', 'A call came past the decision who makes it.');
}

const refusedTokens: ReadonlySet<string> = new Set(['token-wrong', 'token-expired', 'token-revoked']);

/** Only of what was shown as a token: who has none has mistyped, or looks what is there. */
function noteRefusedToken(audit: Pick<AuditLog, 'noteRefusedToken'>, error: unknown, from: string): void {
  if (!(error instanceof LockstepError) || !refusedTokens.has(error.reason)) return;
  const { name } = error.fields;
  const token = typeof name === 'string' ? name : undefined;
  audit.noteRefusedToken({ reason: error.reason, token, address: from.slice(0, from.lastIndexOf(':')) });
}

/** Its own others are still open, or are not known to have broken yet, which takes some seconds. */
function tooManyConnections(identity: Identity): LockstepError {
  const subject = subjectOf(identity);
  const message = `${subject} has too many connections open with its certificate: this one is of no use. Close others.`;
  return new LockstepError('unavailable', 'too-many-connections', message, { subject });
}

/**
 * Decides who calls by its headers and its certificate, and turns away who may nowhere do what the call does: of a
 * stranger's call no byte of the body is read. Its first message may come long after its headers, and only then does it
 * do anything: whoever has lost a token or a certificate by then is turned away too.
 */
export function letInKnown(
  identify: Identify,
  front: () => TlsFront | undefined,
  { audit, metrics, log }: Uses<'audit' | 'metrics' | 'log'>,
): ServerInterceptor {
  return ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) => {
        let metadata: Metadata | undefined;
        const peer = (): Peer => front()?.peerAt(call.getConnectionInfo()) ?? nobody;
        const fromOf = (received: Metadata): string => forwardedPeerIn(received) ?? call.getPeer();
        const turnAway = (error: unknown): void => {
          const { code = status.UNKNOWN, details = '', metadata: trailers = null } = toStatus(error, path, log);
          call.sendStatus({ code, details, metadata: trailers });
        };
        const listener = new ServerListenerBuilder()
          .withOnReceiveMetadata((received, letIn) => {
            front()?.noteCall(call.getConnectionInfo());
            try {
              const shown = peer();
              const identity = identify({ path, metadata: received, peer: shown });
              const caller = { identity, from: fromOf(received), certificate: shown.certificate };
              const verb = callVerbs.get(path);
              if (verb === undefined || !mayAnywhere(identity, verb)) {
                audit.noteDenial(eventOf({ path, caller, metadata: received }));
                throw denial(identity, verb ?? path);
              }
              if (shown.isOneTooMany) {
                metrics.noteLimited('connections-of-node');
                throw tooManyConnections(identity);
              }
              callers.set(received, caller);
              if (identity.kind === 'stranger') front()?.noteStranger(call.getConnectionInfo());
              else front()?.noteKnown(call.getConnectionInfo());
            } catch (error) {
              noteRefusedToken(audit, error, fromOf(received));
              turnAway(error);
              return;
            }
            metadata = received;
            letIn(received);
          })
          .withOnReceiveMessage((message, letOn) => {
            try {
              if (metadata !== undefined) identify({ path, metadata, peer: peer() });
            } catch (error) {
              turnAway(error);
              return;
            }
            metadata = undefined;
            letOn(message);
          });
        next(listener.build());
      },
    });
}
