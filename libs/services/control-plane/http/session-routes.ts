// SPDX-License-Identifier: GPL-2.0-only
import { randomBytes } from 'node:crypto';
import { OwnerKind, roleToJSON, WhoAmIResponse } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { RecentFailures } from '../grpc/recent-failures';
import { callNamed } from './descriptors';
import type { Gateway } from './gateway';
import { cookieWith, csrfOf, endedCookie, sessionSecretOf, type RequestHeaders } from './session-cookie';
import { sessionPath, signInSchema } from './session-paths';

const withinMs = 20_000;
/** Of one address within a minute. */
const mostFailures = 20;

const calls = {
  whoAmI: callNamed('whoAmI'),
  beginSession: callNamed('beginSession'),
  endSession: callNamed('endSession'),
};

type SessionCall = keyof typeof calls;

const tooMany = (): LockstepError =>
  new LockstepError(
    'unavailable',
    'too-many-sign-ins',
    'Too many have failed to sign in from here: try again in a minute.',
  );

/** Signing in, who is signed in, and signing out. What that is decides the operator port, as it does everything. */
export class SessionRoutes {
  private readonly failures = new RecentFailures();

  constructor(
    private readonly fastify: FastifyInstance,
    private readonly gateway: Gateway,
  ) {}

  add(): void {
    const { fastify } = this;
    fastify.get(sessionPath, ({ headers }) => this.show(headers));
    const schema = { body: signInSchema };
    fastify.post<{ Body: { readonly token: string } }>(sessionPath, { schema, bodyLimit: 4_096 }, (request, reply) =>
      this.signIn(request.body.token.trim(), request.ip, request.headers, reply),
    );
    fastify.delete(sessionPath, ({ headers }, reply) => this.signOut(headers, reply));
  }

  private async signIn(token: string, address: string, before: RequestHeaders, reply: FastifyReply): Promise<unknown> {
    if (this.failures.countOf(address) >= mostFailures) throw tooMany();
    const secret = randomBytes(32).toString('base64url');
    const request = { secretSha256: sha256OfBytes(Buffer.from(secret)) };
    try {
      await this.ask('beginSession', request, { authorization: `Bearer ${token}` });
    } catch (error) {
      if (error instanceof LockstepError && error.kind === 'unauthenticated') this.failures.add(address);
      throw error;
    }
    // Whoever signs in anew means the old one to be over.
    if (sessionSecretOf(before) !== undefined) await this.ask('endSession', {}, before).catch(() => undefined);
    return this.begun(secret, reply);
  }

  /** Hands the browser its cookie. */
  private async begun(secret: string, reply: FastifyReply): Promise<unknown> {
    const session = await this.sessionOf(secret, { authorization: `Bearer ${secret}` });
    reply.header('set-cookie', cookieWith(secret, new Date(session.expiresAt)));
    return session;
  }

  private show(headers: RequestHeaders): Promise<unknown> {
    const secret = sessionSecretOf(headers);
    if (secret !== undefined) return this.sessionOf(secret, headers);
    const message = 'Nobody is signed in here: POST /v1/session begins a session.';
    throw new LockstepError('unauthenticated', 'not-signed-in', message);
  }

  private async signOut(headers: RequestHeaders, reply: FastifyReply): Promise<FastifyReply> {
    // Whoever's session is over already is signed out.
    await this.ask('endSession', {}, headers).catch((error: unknown) => {
      if (!(error instanceof LockstepError) || error.kind !== 'unauthenticated') throw error;
    });
    return reply.header('set-cookie', endedCookie).status(204).send();
  }

  /** As `sessionSchema` describes it. */
  private async sessionOf(secret: string, headers: RequestHeaders) {
    const { token, rights } = WhoAmIResponse.fromJSON(await this.ask('whoAmI', {}, headers));
    if (token?.session !== true) {
      throw new LockstepError('unauthenticated', 'not-signed-in', 'This cookie is no session: sign in.');
    }
    const { owner, ownerKind, roles, scope, name, expiresAt } = token;
    return {
      identity: {
        name: owner,
        kind: ownerKind === OwnerKind.OWNER_KIND_SERVICE ? 'service' : 'person',
        roles: roles.map(roleToJSON),
        everywhere: scope?.everywhere ?? false,
        clusters: scope?.clusters ?? [],
        selector: scope?.selector ?? '',
        session: name,
      },
      csrf: csrfOf(secret),
      expiresAt: (expiresAt ?? new Date(0)).toISOString(),
      may: Object.fromEntries(rights.map(({ verb, reason }) => [verb, reason === '' || { reason }])),
    };
  }

  private ask(call: SessionCall, request: unknown, headers: RequestHeaders): Promise<unknown> {
    return this.gateway.ask(calls[call], request, headers, AbortSignal.timeout(withinMs));
  }
}
