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
import { callNamed, codecOf, type DescribedCall } from './descriptors';

/** Headers of HTTP, in lower case, that go on as metadata. */
const passedOn: Readonly<Record<string, string>> = {
  authorization: 'authorization',
  'idempotency-key': callKeyHeader,
  traceparent: traceHeader,
};

export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

function metadataFrom(headers: RequestHeaders): Metadata {
  const metadata = new Metadata();
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

export interface GatewayOptions {
  /** host:port of the operator port, from this process. */
  readonly address: string;
  readonly ca: string;
}

/**
 * Asks this control plane's own operator port, as the caller: who may do what, what a call does and which errors there are is
 * decided there and nowhere else.
 */
export class Gateway {
  private readonly client: Client;

  constructor({ address, ca }: GatewayOptions) {
    this.client = new Client(address, credentials.createSsl(Buffer.from(ca)), {
      'grpc.max_receive_message_length': maxMessageBytes,
      'grpc.max_send_message_length': maxMessageBytes,
      // Its certificate has that name whatever address it listens on.
      'grpc.ssl_target_name_override': 'localhost',
    });
  }

  /** The answer in its JSON form. @throws LockstepError, as the route or who decides about it says. */
  async ask(call: DescribedCall, request: unknown, headers: RequestHeaders, signal: AbortSignal): Promise<unknown> {
    const answer = codecOf(call.outputType);
    if (operatorCalls[call.name].answer === 'whole') {
      return answer.toJSON(answer.decode(await this.unary(call, request, headers, signal)));
    }
    const parts: Buffer[] = [];
    for await (const part of this.messages(call, request, headers, signal)) parts.push(part);
    return answer.toJSON(answer.decode(Buffer.concat(parts)));
  }

  /** The events in their JSON form. */
  async *follow(call: DescribedCall, request: unknown, headers: RequestHeaders, signal: AbortSignal): AsyncGenerator {
    const event = codecOf(call.outputType);
    for await (const bytes of this.messages(call, request, headers, signal)) yield event.toJSON(event.decode(bytes));
  }

  /** @throws LockstepError `unauthenticated` where the operator port does not know the caller. */
  async identify(headers: RequestHeaders): Promise<void> {
    await this.ask(whoAmI, {}, headers, AbortSignal.timeout(identifyWithinMs));
  }

  close(): void {
    this.client.close();
  }

  private serialise({ inputType }: DescribedCall): (request: unknown) => Buffer {
    const codec = codecOf(inputType);
    return (request) => Buffer.from(codec.encode(codec.fromJSON(request)).finish());
  }

  private unary(call: DescribedCall, request: unknown, headers: RequestHeaders, signal: AbortSignal): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const asked = this.client.makeUnaryRequest(
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
    call: DescribedCall,
    request: unknown,
    headers: RequestHeaders,
    signal: AbortSignal,
  ): AsyncGenerator<Buffer> {
    const stream: ClientReadableStream<Buffer> = this.client.makeServerStreamRequest(
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
