// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { ConsoleFiles } from './console-files';
import { pagePolicy } from './security-headers';

const root = '/console/';

function missing(what: string, reason: string): LockstepError {
  return new LockstepError('not-found', reason, what);
}

/** The web console's files, and its page for every path that is the console's own affair. */
export function addConsole(fastify: FastifyInstance, files: ConsoleFiles | undefined): void {
  for (const place of ['/', '/console']) fastify.get(place, (_, reply) => reply.redirect(root));
  fastify.get<{ Params: { readonly '*': string } }>(`${root}*`, (request, reply) => {
    if (files === undefined) {
      const message =
        'This control plane has no console: npm run build makes its files, LOCKSTEP_CONSOLE_DIR says where they are.';
      throw missing(message, 'no-console');
    }
    return answer(files, request.params['*'], request, reply);
  });
}

async function answer(
  files: ConsoleFiles,
  name: string,
  { headers }: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const file = files.find(name);
  if (file !== undefined) {
    reply.header('cache-control', file.cacheControl).header('etag', file.etag).header('vary', 'accept-encoding');
    if (headers['if-none-match'] === file.etag) return reply.status(304).send();
    const { encoding, bytes } = await files.encode(file, headers['accept-encoding'] ?? '');
    if (encoding !== undefined) reply.header('content-encoding', encoding);
    return reply.type(file.type).send(bytes);
  }
  // A file of an older console must not be answered with a page.
  if (name.startsWith('assets/')) {
    throw missing(`The console has no file ${name}: it is of another version. Load the page again.`, 'unknown-file');
  }
  const { html, nonce } = files.page();
  reply.header('cache-control', 'no-cache').header('content-security-policy', pagePolicy(nonce));
  return reply.type('text/html; charset=utf-8').send(html);
}
