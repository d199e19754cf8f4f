// SPDX-License-Identifier: GPL-2.0-only
import type { Metadata, ServerDuplexStream } from '@grpc/grpc-js';
import type { AgentServiceServer, ConnectRequest, ConnectResponse } from '@lockstep/contracts/generated';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { NodeRecord } from '@lockstep/io/database';
import { certificateEnd } from '../agents/peer-identity';
import { connect, type ConnectingNode } from '../routes/connect';
import { downloadArtifact } from '../routes/download-artifact';
import { renewCertificate } from '../routes/renew-certificate';
import type { Services, Uses } from '../services';
import { proofOf, runStream, serverStream, unary } from './call-route';
import { callerOf } from './callers';
import type { OpenCalls } from './open-calls';

/** The node that calls, as it is known now. @throws LockstepError `unavailable` `too-many-calls`. */
function nodeCalling({ nodes, limits }: Uses<'nodes' | 'limits'>, metadata: Metadata): NodeRecord {
  const { identity } = callerOf(metadata);
  if (identity.kind === 'node') {
    limits.admitCall(identity.node);
    return nodes.require(identity.node);
  }
  throw new LockstepError('forbidden', 'not-a-node', 'Only nodes make this call.');
}

const withoutCertificate = (): LockstepError =>
  new LockstepError('unauthenticated', 'no-certificate', 'A node speaks with its own certificate.');

function nodeConnecting(services: Uses<'nodes' | 'limits'>, metadata: Metadata): ConnectingNode {
  const node = nodeCalling(services, metadata);
  const { certificate } = callerOf(metadata);
  if (certificate === undefined) throw withoutCertificate();
  return { node, certificateEndsAt: certificateEnd(certificate) };
}

/** The conversation with one agent, as long as it lasts. */
function handleConnect(
  services: Services,
  calls: OpenCalls,
  call: ServerDuplexStream<ConnectRequest, ConnectResponse>,
): void {
  // A broken transport shows in the iteration; without a listener it would end the process.
  call.on('error', () => undefined);
  const work = (abort: AbortController): Promise<void> =>
    connect(services, nodeConnecting(services, call.metadata), call, abort);
  runStream(call, { log: services.log, calls }, work, 'stream', proofOf(call));
}

/** Every call of the agent port; who calls was decided before anything of it was read. */
export function agentHandlers(services: Services): AgentServiceServer {
  const { log, calls } = services;
  return {
    connect: (call) => {
      handleConnect(services, calls, call);
    },
    renewCertificate: unary({ log, calls }, async (_, { metadata, caller }) => {
      const node = nodeCalling(services, metadata);
      if (caller.certificate !== undefined) return renewCertificate(services, node, caller.certificate);
      throw withoutCertificate();
    }),
    downloadArtifact: (call) => {
      serverStream({ log, calls }, (request: Parameters<typeof downloadArtifact>[1]) =>
        downloadArtifact(services, request, nodeCalling(services, call.metadata)),
      )(call);
    },
  };
}
