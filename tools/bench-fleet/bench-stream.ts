// SPDX-License-Identifier: GPL-2.0-only
import { connect as http2Connect, constants, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import { checkServerIdentity, connect as tlsConnect, type SecureContext } from 'node:tls';
import { Metadata, status, type ServiceError } from '@grpc/grpc-js';
import { AgentServiceService } from '@lockstep/contracts/generated';
import { errorFromStatus } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';

/** As the agents' own channel has them (`rpc-client/channel-options`). */
const keepaliveTimeMs = 20_000;
const keepaliveTimeoutMs = 10_000;
/** SNI must be a name; nobody looks at this one. */
const servername = 'lockstep-control-plane';

export interface StreamPlace {
  readonly host: string;
  readonly port: number;
  /** Where it comes from. */
  readonly from: string;
  /** With the node's certificate and the authority that it trusts. */
  readonly context: SecureContext;
  /** For TLS and HTTP/2 to stand. */
  readonly withinMs: number;
}

export interface StreamEvents {
  /** TLS and HTTP/2 stand. */
  readonly onConnect: () => void;
  readonly onMessage: (bytes: Buffer) => void;
  /** The answer to a ping was there in time, and this process too busy to see it. */
  readonly onLateLook: () => void;
  /** Once, and nothing after it. */
  readonly onEnd: (error: LockstepError) => void;
}

const unreachable = (message: string): LockstepError => new LockstepError('unavailable', 'server-unreachable', message);

/** OpenSSL's words for a server's certificate that is not of the authority that the node trusts; the real agent finds out by a look. */
const ofOtherCa: ReadonlySet<unknown> = new Set(['SELF_SIGNED_CERT_IN_CHAIN', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE']);

const codeOf = (error: unknown): unknown => (error as { readonly code?: unknown } | undefined)?.code;

/** A stream ends with its session, for that one's cause. */
const failureOf = (error: Error): LockstepError =>
  ofOtherCa.has(codeOf(error)) || ofOtherCa.has(codeOf(error.cause))
    ? new LockstepError('unavailable', 'server-of-other-ca', error.message)
    : unreachable(error.message);

const statuses = new Map<number, status>(
  Object.values(status)
    .filter((value) => typeof value !== 'string')
    .map((value) => [value, value]),
);

function errorOf(trailers: IncomingHttpHeaders): LockstepError {
  const details = decodeURIComponent(String(trailers['grpc-message'] ?? ''));
  const code = statuses.get(Number(trailers['grpc-status'])) ?? status.UNKNOWN;
  const metadata = Metadata.fromHttp2Headers(trailers);
  const error: ServiceError = Object.assign(new Error(details), { code, details, metadata });
  return errorFromStatus(error, false);
}

/** A gRPC message: not compressed, its length, its bytes. */
export function framed(bytes: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(5 + bytes.length);
  frame[0] = 0;
  frame.writeUInt32BE(bytes.length, 1);
  frame.set(bytes, 5);
  return frame;
}

/** Cuts what comes into messages. */
class Unframing {
  private rest: Buffer = Buffer.alloc(0);

  constructor(private readonly onMessage: (bytes: Buffer) => void) {}

  take(chunk: Buffer): void {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    while (this.rest.length >= 5) {
      const end = 5 + this.rest.readUInt32BE(1);
      if (this.rest.length < end) return;
      this.onMessage(this.rest.subarray(5, end));
      this.rest = this.rest.subarray(end);
    }
  }
}

/**
 * The agents' stream over mutual TLS and HTTP/2 without a gRPC library: on the wire it is the same, and thousands of them
 * fit beside the control plane that is measured.
 */
export class BenchStream {
  private readonly session: ClientHttp2Session;
  private readonly stream: ReturnType<ClientHttp2Session['request']>;
  private readonly keepalive: NodeJS.Timeout;
  private hasEnded = false;

  constructor(
    { host, port, from, context, withinMs }: StreamPlace,
    private readonly events: StreamEvents,
  ) {
    this.session = http2Connect(`https://${host}:${port}`, {
      createConnection: () =>
        tlsConnect({
          ...{ host, port, localAddress: from, servername, secureContext: context, ALPNProtocols: ['h2'] },
          checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
        }),
    });
    const late = setTimeout(() => {
      this.end(unreachable(`No connection within ${withinMs} ms.`));
    }, withinMs);
    this.session.once('connect', () => {
      clearTimeout(late);
      events.onConnect();
    });
    this.session.on('error', (error: Error) => {
      this.end(failureOf(error));
    });
    this.session.on('close', () => {
      clearTimeout(late);
      this.end(unreachable('The connection has ended.'));
    });
    this.stream = this.session.request(
      {
        ...{
          ':method': 'POST',
          ':path': AgentServiceService.connect.path,
          ':authority': `${host}:${port}`,
          ':scheme': 'https',
        },
        ...{ 'content-type': 'application/grpc', te: 'trailers', 'user-agent': 'bench' },
      },
      { endStream: false },
    );
    const unframing = new Unframing(events.onMessage);
    this.stream.on('data', (chunk: Buffer) => {
      unframing.take(chunk);
    });
    // Where the call is refused at once, its trailers are its headers.
    this.stream.on('response', (headers) => {
      if (headers['grpc-status'] !== undefined) this.end(errorOf(headers));
    });
    this.stream.on('trailers', (trailers: IncomingHttpHeaders) => {
      this.end(errorOf(trailers));
    });
    this.stream.on('error', (error: Error) => {
      this.end(failureOf(error));
    });
    this.stream.on('close', () => {
      this.end(unreachable('The stream has ended.'));
    });
    this.keepalive = setInterval(() => {
      this.ping();
    }, keepaliveTimeMs);
  }

  /** @param frame as `framed` makes it */
  send(frame: Buffer): void {
    if (!this.stream.destroyed) this.stream.write(frame);
  }

  private ping(): void {
    if (this.session.destroyed || this.session.connecting) return;
    let isAnswered = false;
    const timer = setTimeout(() => {
      // Thousands share this process: where it was late itself, the answer may be there and not be read yet.
      setImmediate(() => {
        if (isAnswered) this.events.onLateLook();
        else this.end(unreachable('No answer to a ping.'));
      });
    }, keepaliveTimeoutMs);
    this.session.ping(() => {
      isAnswered = true;
      clearTimeout(timer);
    });
  }

  end(error: LockstepError): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    clearInterval(this.keepalive);
    if (!this.stream.closed) this.stream.close(constants.NGHTTP2_CANCEL);
    this.session.destroy();
    this.events.onEnd(error);
  }
}
