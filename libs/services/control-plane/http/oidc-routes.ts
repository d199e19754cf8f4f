// SPDX-License-Identifier: GPL-2.0-only
import { randomBytes } from 'node:crypto';
import { callbackPath } from '@lockstep/io/identity-provider';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { PeopleSignIn } from '../access/people-sign-in';
import { home, placeInConsole, signInCookie, signInOnItsWay, signInOverCookie } from './oidc-cookie';
import { cookieWith, sessionSecretOf } from './session-cookie';
import { oidcPath, waysPath } from './session-paths';

/** In the query of the console's address: why a sign-in did not come about. */
const problemParameter = 'sign-in-problem';

/** Signing in by an identity provider: a browser is sent there, and comes back with a code that is redeemed here. */
export function addOidc(fastify: FastifyInstance, people: PeopleSignIn | undefined): void {
  fastify.get(waysPath, () => ({
    token: true,
    ...(people !== undefined && { provider: { label: people.provider.label, path: oidcPath } }),
  }));
  if (people === undefined) return;
  fastify.get<{ Querystring: { readonly to?: unknown } }>(oidcPath, ({ query, headers }, reply) =>
    telling(reply, async () => {
      const { signIn, url } = await people.provider.begin();
      const secret = sessionSecretOf(headers);
      const before = secret === undefined ? undefined : sha256OfBytes(Buffer.from(secret));
      reply.header('set-cookie', signInCookie({ ...signIn, to: placeInConsole(query.to), before }));
      return url.href;
    }),
  );
  fastify.get(callbackPath, (request, reply) => telling(reply, () => complete(people, request, reply)));
}

/** @returns where the browser goes on */
async function complete(people: PeopleSignIn, request: FastifyRequest, reply: FastifyReply): Promise<string> {
  const { headers, url, ip, socket } = request;
  const begun = signInOnItsWay(headers);
  reply.header('set-cookie', signInOverCookie);
  if (begun === undefined) {
    const message = 'This browser has begun no sign-in, or too long ago: sign in again.';
    throw new LockstepError('unauthenticated', 'sign-in-unknown', message);
  }
  const secret = randomBytes(32).toString('base64url');
  const query = url.slice(url.indexOf('?'));
  const from = `${ip}:${socket.remotePort ?? 0}`;
  const expiresAt = await people.complete(query, begun, sha256OfBytes(Buffer.from(secret)), from);
  reply.header('set-cookie', cookieWith(secret, expiresAt ?? new Date(0)));
  if (begun.before !== undefined) await people.endSession(begun.before, from).catch(() => undefined);
  return begun.to;
}

/** Whoever signs in is a person before a page: what went wrong is told there, by its word alone, which nobody can make up. */
async function telling(reply: FastifyReply, ask: () => Promise<string>): Promise<FastifyReply> {
  try {
    return await reply.redirect(await ask());
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return reply.redirect(`${home}?${problemParameter}=${error.reason}`);
  }
}
