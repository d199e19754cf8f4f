// SPDX-License-Identifier: GPL-2.0-only
import { connect as connectTcp } from 'node:net';
import { connect as connectHttp2 } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials, Metadata, status } from '@grpc/grpc-js';
import {
  AgentServiceService,
  BuildServiceService,
  EnrolRequest,
  EnrolmentServiceService,
  FleetServiceService,
  Hello,
  NodeReport,
  NodeStatus,
  type ConnectRequest,
} from '@lockstep/contracts/generated';
import { formatJoinToken } from '@lockstep/contracts/wire';
import { certificatePin } from '@lockstep/platform/runtime';

/** Where the control plane is, and what attackers have: a node's key, and a viewer's token. */
export interface Target {
  readonly operatorAddress: string;
  readonly agentAddress: string;
  readonly ca: string;
  readonly node: { readonly certificate: string; readonly key: string };
  readonly viewerToken: string;
}

/** Goes on until it is told to end. @returns what it got done, in words. */
export type Attack = (target: Target, signal: AbortSignal) => Promise<string>;

const silentConnections = 400;
const guessesAtOnce = 16;
const nodeConnections = 30;
const slowWatches = 100;
const slowBodies = 50;
const kernelBuildId = 'ab'.repeat(20);

const placeOf = (address: string): { host: string; port: number } => {
  const at = address.lastIndexOf(':');
  return { host: address.slice(0, at), port: Number(address.slice(at + 1)) };
};

const untilAborted = (signal: AbortSignal): Promise<unknown> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', resolve, { once: true });
  });

/** Connections that say nothing; each that is ended is opened again. */
const silentStrangers: Attack = async ({ agentAddress }, signal) => {
  let opened = 0;
  const keepOpen = async (): Promise<void> => {
    while (!signal.aborted) {
      opened += 1;
      const socket = connectTcp(placeOf(agentAddress));
      const abort = (): void => {
        socket.destroy();
      };
      signal.addEventListener('abort', abort, { once: true });
      await new Promise((resolve) => {
        socket.on('error', () => undefined).on('close', resolve);
      });
      signal.removeEventListener('abort', abort);
      await sleep(20);
    }
  };
  await Promise.all(Array.from({ length: silentConnections }, keepOpen));
  return `${silentConnections} silent connections, ${opened} opened`;
};

const answerWithinMs = 10_000;

/** @returns how it was answered, in a word. */
const callOnce = (client: Client, path: string, body: Buffer): Promise<string> =>
  new Promise((resolve) => {
    const same = (bytes: Buffer): Buffer => bytes;
    const call = client.makeUnaryRequest(path, same, same, body, new Metadata(), (error) => {
      clearTimeout(timer);
      resolve(error === null ? 'answered' : String(error.metadata.get('lockstep-reason')[0] ?? status[error.code]));
    });
    const timer = setTimeout(() => {
      call.cancel();
    }, answerWithinMs);
  });

/** Makes the call again and again; how often it was answered how. */
async function again(signal: AbortSignal, atOnce: number, call: () => Promise<string>): Promise<string> {
  const answers = new Map<string, number>();
  const loop = async (): Promise<void> => {
    while (!signal.aborted) {
      const answer = await call();
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, loop));
  return [...answers].map(([answer, count]) => `${count} ${answer}`).join(', ');
}

/** Join tokens that nobody has made. */
const guessingStrangers: Attack = async ({ agentAddress, ca }, signal) => {
  const client = new Client(agentAddress, credentials.createSsl(Buffer.from(ca)));
  const caPinSha256 = certificatePin(ca);
  let guesses = 0;
  const guess = (): Promise<string> => {
    guesses += 1;
    const joinToken = formatJoinToken({ secret: `guess${String(guesses).padStart(38, '0')}`, caPinSha256 });
    const { path, requestSerialize } = EnrolmentServiceService.enrol;
    return callOnce(
      client,
      path,
      requestSerialize(EnrolRequest.fromPartial({ joinToken, certificateRequest: 'none' })),
    );
  };
  const told = await again(signal, guessesAtOnce, guess);
  client.close();
  return told;
};

const asNode = ({ agentAddress, ca, node }: Target, index = 0): Client =>
  new Client(
    agentAddress,
    credentials.createSsl(Buffer.from(ca), Buffer.from(node.key), Buffer.from(node.certificate)),
    // Each its own connection.
    { 'grpc.use_local_subchannel_pool': 1, 'flood.index': index },
  );

/** Reports as fast as they can be written, whatever the other side takes. */
const reportingNode: Attack = async (target, signal) => {
  const client = asNode(target);
  const { path, requestSerialize, responseDeserialize } = AgentServiceService.connect;
  let written = 0;
  const once = (): Promise<void> =>
    new Promise((resolve) => {
      const call = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
      const send = (message: ConnectRequest['message']): void => {
        call.write({ message });
      };
      const hello = Hello.fromPartial({ kernelBuildId, bootId: 'flood', headHash: '0'.repeat(64) });
      send({ $case: 'hello', value: hello });
      const timer = setInterval(() => {
        for (let each = 0; each < 100; each += 1) {
          const problem = { message: String(written) };
          send({ $case: 'report', value: NodeReport.fromPartial({ status: NodeStatus.NODE_STATUS_IN_STEP, problem }) });
          written += 1;
        }
      }, 10);
      const end = (): void => {
        clearInterval(timer);
        signal.removeEventListener('abort', end);
        call.cancel();
        resolve();
      };
      signal.addEventListener('abort', end);
      call.on('data', () => undefined).on('error', end);
    });
  while (!signal.aborted) await once();
  client.close();
  return `${written} reports written`;
};

/** As many connections as it can have, and calls by all of them. */
const callingNode: Attack = async (target, signal) => {
  const clients = Array.from({ length: nodeConnections }, (_, index) => asNode(target, index));
  const { path } = AgentServiceService.renewCertificate;
  const told = await Promise.all(
    clients.map((client) => again(signal, 1, () => callOnce(client, path, Buffer.alloc(0)))),
  );
  for (const client of clients) client.close();
  return `by ${nodeConnections} connections: ${told.join('; ')}`;
};

/** Watches that nobody reads, and bodies that come a byte a second. */
const slowOperators: Attack = async ({ operatorAddress, ca, viewerToken }, signal) => {
  const session = connectHttp2(`https://${operatorAddress}`, { ca });
  session.on('error', () => undefined);
  const open = (path: string) => {
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = session.request({ ...headers, authorization: `Bearer ${viewerToken}` });
    stream.on('error', () => undefined);
    return stream;
  };
  for (let each = 0; each < slowWatches; each += 1) open(FleetServiceService.watchEvents.path).end(Buffer.alloc(5));
  const bodies = Array.from({ length: slowBodies }, () => open(BuildServiceService.listPatches.path));
  // A message of 64 KiB is announced.
  for (const body of bodies) body.write(Buffer.from([0, 0, 1, 0, 0]));
  const drip = setInterval(() => {
    for (const body of bodies) if (!body.destroyed) body.write(Buffer.alloc(1));
  }, 1_000);
  await untilAborted(signal);
  clearInterval(drip);
  session.destroy();
  return `${slowWatches} watches that nobody reads, ${slowBodies} bodies of a byte a second`;
};

export const attacks: Readonly<Record<string, Attack>> = {
  'silent strangers': silentStrangers,
  'guessing strangers': guessingStrangers,
  'a node that floods with reports': reportingNode,
  'a node with many connections and calls': callingNode,
  'slow operators': slowOperators,
};
