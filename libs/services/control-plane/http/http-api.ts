// SPDX-License-Identifier: GPL-2.0-only
import type { Server as HttpsServer } from 'node:https';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { fieldsInPath, maxMessageBytes, operatorPaths, type OperatorPath } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Logger } from 'pino';
import type { PeopleSignIn } from '../access/people-sign-in';
import type { ServerCertificate } from '../grpc/tls-front';
import { forwardedPeer, forwardedPeerHeader } from '../grpc/forwarded-peer';
import { ConsoleFiles } from './console-files';
import { addConsole } from './console-routes';
import { calls, messages, type DescribedCall } from './descriptors';
import { sendEvents } from './event-stream';
import { Gateway } from './gateway';
import { componentSchemas, fieldSchema, messageSchema, type Schema } from './message-schema';
import { addOidc } from './oidc-routes';
import { openApiDocument } from './open-api';
import { problemOf, problemType } from './problem';
import { securityHeaders } from './security-headers';
import { insistOwnPage, sessionSecretOf, type RequestHeaders } from './session-cookie';
import { sessionPath } from './session-paths';
import { SessionRoutes } from './session-routes';

export interface HttpApiOptions {
  readonly host: string;
  readonly port: number;
  readonly tls: ServerCertificate;
  /** This control plane's own operator port. */
  readonly operatorAddress: string;
  readonly ca: string;
  /** Where the console's built files are, if there are any. */
  readonly consoleDir: string;
  /** How people sign in whom an identity provider knows, if there is one. */
  readonly people: PeopleSignIn | undefined;
  readonly log: Logger;
}

export interface HttpApi {
  readonly port: number;
  /** For connections that come from now on. */
  present(certificate: ServerCertificate, trustedPem: string): void;
  stop(): Promise<void>;
}

/** Longer than the operator port takes to give a call up. */
const answerWithinMs = 70_000;
/** A diff is base64 here, so a body is longer than its message. */
const mostBodyBytes = Math.ceil((maxMessageBytes * 4) / 3) + 65_536;

@Module({})
class HttpApiModule {}

/** The same schemas as in the document, as fastify finds them. */
const local = (schema: Schema): Schema =>
  JSON.parse(JSON.stringify(schema).replaceAll(/"#\/components\/schemas\/([^"]+)"/g, '"$1#"')) as Schema;

function querySchema({ inputType }: DescribedCall, inPath: readonly string[]): Schema {
  const fields = (messages.get(inputType)?.descriptor.field ?? []).filter(({ jsonName }) => !inPath.includes(jsonName));
  return {
    type: 'object',
    properties: Object.fromEntries(fields.map((field) => [field.jsonName, local(fieldSchema(field))])),
    additionalProperties: false,
  };
}

interface InvalidRequest extends Error {
  readonly validation: readonly { readonly instancePath: string; readonly params: Readonly<Record<string, unknown>> }[];
  readonly validationContext: string;
}

const isInvalid = (error: unknown): error is InvalidRequest => error instanceof Error && 'validation' in error;

/** What fastify itself refuses: in our words. */
function explained(error: unknown): unknown {
  if (isInvalid(error)) {
    const [first] = error.validation;
    const name = first?.params['additionalProperty'];
    const what = typeof name === 'string' ? `there is no "${name}"` : error.message;
    const message = `The request's ${error.validationContext} is wrong: ${what}. /v1/openapi.json says what it holds.`;
    return new LockstepError('invalid-input', 'invalid-request', message, { at: first?.instancePath ?? '' });
  }
  const status = (error as { statusCode?: number }).statusCode;
  if (status === undefined || status >= 500 || error instanceof LockstepError) return error;
  return new LockstepError('invalid-input', 'invalid-request', (error as Error).message);
}

class Routes {
  private readonly document = openApiDocument();

  constructor(
    private readonly fastify: FastifyInstance,
    private readonly gateway: Gateway,
    private readonly consoleFiles: ConsoleFiles | undefined,
    private readonly people: PeopleSignIn | undefined,
    private readonly log: Logger,
  ) {}

  add(): void {
    const { fastify } = this;
    fastify.addHook('onRequest', ({ method, headers, routeOptions, socket }, reply, done) => {
      headers[forwardedPeerHeader] = forwardedPeer(`${socket.remoteAddress ?? ''}:${socket.remotePort ?? 0}`);
      for (const [name, value] of Object.entries(securityHeaders(headers.host ?? ''))) reply.raw.setHeader(name, value);
      const isReading = method === 'GET' || method === 'HEAD';
      // Whoever signs in has no session yet, or one that is over.
      const isSignIn = method === 'POST' && routeOptions.url === sessionPath;
      if (!isReading && !isSignIn) insistOwnPage(headers);
      done();
    });
    const types = calls.flatMap(({ inputType, outputType }) => [inputType, outputType]);
    for (const [$id, schema] of Object.entries(componentSchemas(types))) fastify.addSchema({ $id, ...local(schema) });
    fastify.setErrorHandler((error, request, reply) => this.fail(request.headers, reply, error));
    fastify.all('/*', ({ method, url }) => {
      const message = `There is no ${method} ${url.split('?')[0] ?? ''}: /v1/openapi.json lists what there is.`;
      throw new LockstepError('not-found', 'unknown-path', message);
    });
    addConsole(fastify, this.consoleFiles);
    new SessionRoutes(fastify, this.gateway).add();
    addOidc(fastify, this.people);
    fastify.get('/v1/openapi.json', () => this.document);
    for (const call of calls) this.addCall(call);
  }

  private addCall(call: DescribedCall): void {
    const place: OperatorPath = operatorPaths[call.name];
    const inPath = fieldsInPath(place);
    const isQueried = place.method === 'get' || place.method === 'delete';
    const schema = isQueried
      ? { querystring: querySchema(call, inPath) }
      : { body: local(messageSchema(call.inputType, inPath)) };
    this.fastify.route({
      method: place.method,
      url: place.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      schema,
      // Who calls is decided before a body is read, which may be megabytes.
      onRequest: async ({ headers }) => {
        if (!isQueried) await this.gateway.identify(headers);
      },
      // What needs no more than its path needs no body.
      preValidation: (request, _, done) => {
        if (!isQueried) request.body ??= {};
        done();
      },
      handler: async ({ params, query, body, headers }, reply) => {
        const request = { ...(isQueried ? (query as object) : (body as object | null)), ...(params as object) };
        const abort = new AbortController();
        const timer =
          place.events === undefined
            ? setTimeout(() => {
                abort.abort();
              }, answerWithinMs)
            : undefined;
        reply.raw.once('close', () => {
          clearTimeout(timer);
          abort.abort();
        });
        if (place.events === undefined) return this.gateway.ask(call, request, headers, abort.signal);
        return this.follow(call, place, request, headers, reply, abort.signal);
      },
    });
  }

  private async follow(
    call: DescribedCall,
    place: OperatorPath,
    request: object,
    headers: RequestHeaders,
    reply: FastifyReply,
    signal: AbortSignal,
  ): Promise<FastifyReply> {
    const last = headers['last-event-id'];
    const lastEventId = typeof last === 'string' ? last : undefined;
    const { resume } = place;
    const from = resume !== undefined && /^\d+$/.test(lastEventId ?? '') ? { [resume.from]: Number(lastEventId) } : {};
    const messages = this.gateway.follow(call, { ...request, ...from }, headers, signal);
    const log = (err: unknown): void => {
      this.log.info({ err, call: call.name }, 'a stream of events ended with an error');
    };
    await sendEvents(reply.raw, { place, messages, lastEventId, signal, log });
    return reply.hijack();
  }

  private fail(headers: RequestHeaders, reply: FastifyReply, error: unknown): FastifyReply {
    const known = explained(error);
    const problem = problemOf(known);
    if (!(known instanceof LockstepError)) this.log.error({ err: error }, 'the HTTP API failed');
    // The cookie stays: another tab may have signed in anew meanwhile, and this answer would take that away.
    if (problem.status === 401 && sessionSecretOf(headers) === undefined) reply.header('www-authenticate', 'Bearer');
    return reply.status(problem.status).type(problemType).send(JSON.stringify(problem));
  }
}

const contextOf = ({ privateKeyPem, certificateChainPem }: ServerCertificate) => ({
  key: privateKeyPem,
  cert: certificateChainPem,
});

/**
 * The operators' calls as JSON over HTTPS, described at /v1/openapi.json.
 * @throws LockstepError `unavailable` `port-taken`.
 */
export async function startHttpApi(options: HttpApiOptions): Promise<HttpApi> {
  const { host, port, tls, operatorAddress, ca, consoleDir, people, log } = options;
  const consoleFiles = await ConsoleFiles.read(consoleDir);
  const adapter = new FastifyAdapter({
    https: contextOf(tls),
    bodyLimit: mostBodyBytes,
    ajv: { customOptions: { removeAdditional: false, coerceTypes: 'array', useDefaults: false } },
    forceCloseConnections: true,
  });
  const app = await NestFactory.create(HttpApiModule, adapter, { logger: false, abortOnError: false });
  const gateway = new Gateway({ address: operatorAddress, ca });
  // In a scope of its own: Nest has handlers for what fails outside of it.
  adapter.getInstance<FastifyInstance>().register((scope, _, done) => {
    new Routes(scope, gateway, consoleFiles, people, log).add();
    done();
  });
  try {
    await app.listen(port, host);
  } catch (cause) {
    gateway.close();
    await app.close();
    if ((cause as NodeJS.ErrnoException).syscall !== 'listen') throw cause;
    const address = `${host}:${port}`;
    const message = `Cannot listen on ${address} for the HTTP API: ${(cause as Error).message}. Set LOCKSTEP_HTTP_PORT to another port.`;
    throw new LockstepError(
      'unavailable',
      'port-taken',
      message,
      { address, variable: 'LOCKSTEP_HTTP_PORT' },
      { cause },
    );
  }
  const bound = adapter.getHttpServer().address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : port,
    present: (certificate, trustedPem) => {
      gateway.trust(trustedPem);
      adapter.getHttpServer<HttpsServer>().setSecureContext(contextOf(certificate));
    },
    stop: async () => {
      await app.close();
      gateway.close();
    },
  };
}
