// SPDX-License-Identifier: GPL-2.0-only
import { Client, credentials, type ClientReadableStream, Metadata, type ServiceError } from '@grpc/grpc-js';
import {
  becauseHeader,
  callKeyHeader,
  errorFromStatus,
  maxMessageBytes,
  operatorCalls,
  traceHeader,
} from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { forwardedPeerHeader } from '../grpc/forwarded-peer';
import { callNamed, codecOf, type DescribedCall } from './descriptors';
import { authorizationOf, type RequestHeaders } from './session-cookie';

/** Headers of HTTP, in lower case, that go on as metadata. */
const passedOn: Readonly<Record<string, string>> = {
  'idempotency-key': callKeyHeader,
  traceparent: traceHeader,
  // Set by us: what a client says there is put away.
  [forwardedPeerHeader]: forwardedPeerHeader,
};

function metadataFrom(headers: RequestHeaders): Metadata {
  const metadata = new Metadata();
  const authorization = authorizationOf(headers);
  if (authorization !== undefined) metadata.set('authorization', authorization);
  for (const [header, key] of Object.entries(passedOn)) {
    const value = headers[header];
    if (typeof value === 'string') metadata.set(key, value);
  }
  const because = headers['lockstep-because'];
  // Headers are Latin-1; what was UTF-8 is so again.
  if (typeof because === 'string') metadata.set(becauseHeader, Buffer.from(because, 'latin1'));
  return metadata;
}

const whoAmI = callNamed('whoAmI');
const identifyWithinMs = 10_000;
const defaultMostWatches = 200;

export interface GatewayOptions {
  /** host:port of the operator port, from this process. */
  readonly address: string;
  readonly ca: string;
  /** At once; one connection to the operator port has room for more. */
  readonly mostWatches?: number;
}

/**
 * Asks this control plane's own operator port, as the caller: who may do what, what a call does and which errors there are is
 * decided there and nowhere else.
 */
export class Gateway {
  private asking: Client;
  /** By a connection of their own: those who watch for hours must leave room for those who ask. */
  private watching: Client;
  private readonly mostWatches: number;
  private watches = 0;

  private ca: string;

  constructor(private readonly options: GatewayOptions) {
    const { ca, mostWatches = defaultMostWatches } = options;
    this.ca = ca;
    this.asking = this.connect();
    this.watching = this.connect();
    this.mostWatches = mostWatches;
  }

  /** Whom to trust from now on, PEM: calls under way end with the connection that they have. */
  trust(ca: string): void {
    if (ca === this.ca) return;
    this.ca = ca;
    const before = [this.asking, this.watching];
    this.asking = this.connect();
    this.watching = this.connect();
    for (const client of before) client.close();
  }

  private connect(): Client {
    return new Client(this.options.address, credentials.createSsl(Buffer.from(this.ca)), {
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_send_message_length': maxMessageBytes,
      // Its certificate has that name whatever address it listens on.
      'grpc.ssl_target_name_override': 'localhost',
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  /** The answer in its JSON form. @throws LockstepError, as the route or who decides about it says. */
  async ask(call: DescribedCall, request: unknown, headers: RequestHeaders, signal: AbortSignal): Promise<unknown> {
    const answer = codecOf(call.outputType);
    if (operatorCalls[call.name].answer === 'whole') {
      return answer.toJSON(answer.decode(await this.unary(call, request, headers, signal)));
    }
    const parts: Buffer[] = [];
    for await (const part of this.messages(this.asking, call, request, headers, signal)) parts.push(part);
    return answer.toJSON(answer.decode(Buffer.concat(parts)));
  }

  /** The events in their JSON form. @throws LockstepError `unavailable` `too-many-watches`. */
  async *follow(call: DescribedCall, request: unknown, headers: RequestHeaders, signal: AbortSignal): AsyncGenerator {
    if (this.watches >= this.mostWatches) {
      const message = `${this.mostWatches} watch by HTTP already, and no more may at once: end one that nobody needs, or watch by gRPC (lockstep).`;
      throw new LockstepError('unavailable', 'too-many-watches', message, { most: this.mostWatches });
    }
    this.watches += 1;
    try {
      const event = codecOf(call.outputType);
      const messages = this.messages(this.watching, call, request, headers, signal);
      for await (const bytes of messages) yield event.toJSON(event.decode(bytes));
    } finally {
      this.watches -= 1;
    }
  }

  /** @throws LockstepError `unauthenticated` where the operator port does not know the caller. */
  async identify(headers: RequestHeaders): Promise<void> {
    await this.ask(whoAmI, {}, headers, AbortSignal.timeout(identifyWithinMs));
  }

  close(): void {
    this.asking.close();
    this.watching.close();
  }

  private serialise({ inputType }: DescribedCall): (request: unknown) => Buffer {
    const codec = codecOf(inputType);
    return (request) => Buffer.from(codec.encode(codec.fromJSON(request)).finish());
  }

  private unary(call: DescribedCall, request: unknown, headers: RequestHeaders, signal: AbortSignal): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const asked = this.asking.makeUnaryRequest(
        call.grpcPath,
        this.serialise(call),
        (bytes) => bytes,
        request,
        metadataFrom(headers),
        (error: ServiceError | null, answer?: Buffer) => {
          if (error === null) resolve(answer ?? Buffer.alloc(0));
          else reject(errorFromStatus(error, signal.aborted));
        },
      );
      signal.addEventListener('abort', () => {
        asked.cancel();
      });
    });
  }

  private async *messages(
    client: Client,
    call: DescribedCall,
    request: unknown,
    headers: RequestHeaders,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer> {
    const stream: ClientReadableStream<Buffer> = client.makeServerStreamRequest(
      call.grpcPath,
      this.serialise(call),
      (bytes) => bytes,
      request,
      metadataFrom(headers),
    );
    signal.addEventListener('abort', () => {
      stream.cancel();
    });
    try {
      for await (const bytes of stream) yield bytes as Buffer;
    } catch (error) {
      throw errorFromStatus(error as ServiceError, signal.aborted);
    } finally {
      stream.on('error', () => undefined);
      stream.cancel();
    }
  }
}
