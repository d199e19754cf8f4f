// SPDX-License-Identifier: GPL-2.0-only
import { connectivityState, Metadata, type Client, type ServiceError } from '@grpc/grpc-js';
import {
  AgentServiceService,
  type ConnectRequest,
  type ConnectResponse,
  type Hello,
  type KnownEntries,
  type NodeReport,
  type RenewCertificateResponse,
} from '@lockstep/contracts/generated';
import { errorFromStatus } from '@lockstep/contracts/wire';
import { LockstepError, type Sha256 } from '@lockstep/domain/livepatch-model';
import { pause } from './pause';
import { serverFault } from './server-fault';
import { createServiceClient } from './service-client';
import { createTlsClient } from './tls-client';

export interface AgentConnection {
  /** host:port of the agent port. */
  readonly address: string;
  /** PEM: the pinned CA, the node's certificate, its key. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** One life of the stream. Messages end, or throw a LockstepError, when the connection does. */
export interface AgentSession {
  readonly messages: AsyncIterable<ConnectResponse>;
  /** The last report counts: while the peer is slow only the newest one waits. */
  report(report: NodeReport): void;
  /** Answers a question for what the agent knows of the log. */
  tellEntries(entries: KnownEntries): void;
  close(): void;
}

export interface AgentClient {
  /** Resolves when the connection stands. @throws LockstepError `unavailable`. */
  ready(timeoutMs: number, signal?: AbortSignal): Promise<void>;
  /** Opens the stream and says hello. */
  openSession(hello: Hello): AgentSession;
  /** A new certificate for the key of this client. */
  renewCertificate(signal?: AbortSignal): Promise<RenewCertificateResponse>;
  /** A module's bytes from `offset` on. */
  downloadArtifact(sha256: Sha256, offset: number, signal?: AbortSignal): AsyncIterable<Uint8Array>;
  close(): void;
}

/** A chunk must come within this time, or the transfer counts as broken; it resumes where it was. */
const chunkTimeoutMs = 30_000;

function openSession(client: Client, hello: Hello): AgentSession {
  const { path, requestSerialize, responseDeserialize } = AgentServiceService.connect;
  const call = client.makeBidiStreamRequest<ConnectRequest, ConnectResponse>(
    path,
    requestSerialize,
    responseDeserialize,
    new Metadata(),
  );
  let blocked = false;
  let waiting: NodeReport | undefined;
  const send = (message: ConnectRequest['message']): void => {
    if (!call.writable) return;
    blocked = !call.write({ message });
  };
  call.on('drain', () => {
    blocked = false;
    const next = waiting;
    waiting = undefined;
    if (next !== undefined) send({ $case: 'report', value: next });
  });
  let cancelledHere = false;
  let failure: ServiceError | undefined;
  // A stream that fails before anybody reads it only ends for the reader; and an error without listener ends the process.
  call.on('error', (error: ServiceError) => {
    failure = error;
  });
  send({ $case: 'hello', value: hello });
  async function* messages(): AsyncGenerator<ConnectResponse> {
    try {
      for await (const message of call) yield message as ConnectResponse;
    } catch (error) {
      failure = error as ServiceError;
    }
    if (failure !== undefined) throw errorFromStatus(failure, cancelledHere);
  }
  return {
    messages: messages(),
    report: (report) => {
      if (blocked) waiting = report;
      else send({ $case: 'report', value: report });
    },
    // One answer for each question: no more than one waits in the stream.
    tellEntries: (entries) => {
      send({ $case: 'knownEntries', value: entries });
    },
    close: () => {
      cancelledHere = true;
      call.cancel();
    },
  };
}

/**
 * How soon a connection that stands is noticed: within a tenth of the time that it took, and half a second. grpc-js' own
 * waiting cannot be called off before its time.
 */
const readyPollMs = (waitedMs: number): number => Math.min(500, Math.max(50, waitedMs / 10));

/** Where connecting has failed, and does not just take its time, the caller is told so soon. */
const failedWithinMs = 10_000;
/** A server that did not answer a look is not looked at again before: with a whole fleet that comes back it has enough to do. */
const lookAgainMs = 60_000;

/** Finds out why a server cannot be connected to. */
class ServerLook {
  private noLookBeforeMs = 0;

  constructor(private readonly connection: AgentConnection) {}

  async fault(): Promise<LockstepError | undefined> {
    if (performance.now() < this.noLookBeforeMs) return undefined;
    const fault = await serverFault(this.connection.address, this.connection.ca);
    if (fault === undefined) this.noLookBeforeMs = performance.now() + lookAgainMs;
    return fault;
  }
}

/**
 * A server that takes a fleet in turn lets connections wait: as long as none has failed, the whole time is waited.
 * @throws LockstepError `unavailable`, with the cause where the server's certificate is one.
 */
async function ready(
  client: Client,
  { address, look }: { readonly address: string; readonly look: ServerLook },
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<void> {
  const startedAt = performance.now();
  let hasFailed = false;
  for (;;) {
    const state = client.getChannel().getConnectivityState(true);
    if (state === connectivityState.READY) return;
    hasFailed ||= state === connectivityState.TRANSIENT_FAILURE;
    const waitedMs = performance.now() - startedAt;
    if (waitedMs >= (hasFailed ? Math.min(timeoutMs, failedWithinMs) : timeoutMs)) {
      const fault = hasFailed ? await look.fault() : undefined;
      if (fault !== undefined) throw fault;
      const message = `No control plane that this node trusts answers at ${address} within ${Math.round(waitedMs)} ms.`;
      throw new LockstepError('unavailable', 'server-unreachable', message, { address });
    }
    await pause(readyPollMs(waitedMs), signal);
  }
}

async function* withTimeout<T>(source: AsyncIterable<T>, abort: AbortController): AsyncGenerator<T> {
  const silent = new LockstepError('unavailable', 'silent-server', `No data came for ${chunkTimeoutMs} ms.`);
  const start = (): NodeJS.Timeout =>
    setTimeout(() => {
      abort.abort(silent);
    }, chunkTimeoutMs);
  let timer = start();
  try {
    for await (const item of source) {
      clearTimeout(timer);
      yield item;
      timer = start();
    }
  } catch (error) {
    throw abort.signal.reason === silent ? silent : error;
  } finally {
    clearTimeout(timer);
  }
}

/** What the node agent speaks, over mutual TLS. Connects lazily. */
export function connectAgent(connection: AgentConnection): AgentClient {
  const { address, ca, certificate, key } = connection;
  const client = createTlsClient(address, { ca, key, certificate });
  const look = new ServerLook(connection);
  const service = createServiceClient(client, AgentServiceService, () => new Metadata(), {
    connect: { repeat: 'never', answer: 'events' },
    // It resumes where it was, and by whom it is asked for knows where that is.
    downloadArtifact: { repeat: 'never', answer: 'events' },
    renewCertificate: { repeat: 'never', answer: 'whole' },
  });
  return {
    ready: (timeoutMs, signal) => ready(client, { address, look }, timeoutMs, signal),
    openSession: (hello) => openSession(client, hello),
    renewCertificate: (signal) => service.renewCertificate({}, signal === undefined ? {} : { signal }),
    async *downloadArtifact(sha256, offset, signal) {
      const abort = new AbortController();
      const onAbort = (): void => {
        abort.abort(signal?.reason);
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      if (signal?.aborted === true) onAbort();
      try {
        const chunks = service.downloadArtifact({ sha256, offset }, { signal: abort.signal });
        for await (const { chunk } of withTimeout(chunks, abort)) yield chunk;
      } finally {
        signal?.removeEventListener('abort', onAbort);
      }
    },
    close: () => {
      client.close();
    },
  };
}
