// SPDX-License-Identifier: GPL-2.0-only
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { AgentServiceServer, ConnectRequest, ConnectResponse } from '@lockstep/contracts/generated';
import { identifyPeer, type PeerCertificate } from '../agents/peer-identity';
import { connect } from '../routes/connect';
import { downloadArtifact } from '../routes/download-artifact';
import type { Services } from '../services';
import { runStream, serverStream } from './call-route';
import type { OpenCalls } from './open-calls';
import { openGate } from './operator-token';

interface AuthenticatedCall {
  getAuthContext(): { sslPeerCertificate?: PeerCertificate };
}

const peerOf = (call: AuthenticatedCall): PeerCertificate | undefined => call.getAuthContext().sslPeerCertificate;

/** The conversation with one agent, as long as it lasts. */
function handleConnect(
  services: Services,
  calls: OpenCalls,
  call: ServerDuplexStream<ConnectRequest, ConnectResponse>,
): void {
  // A broken transport shows in the iteration; without a listener it would end the process.
  call.on('error', () => undefined);
  runStream(call, { log: services.log, calls }, async (abort) => {
    const node = identifyPeer(services.nodes, peerOf(call));
    await connect(services, node, call, abort);
  });
}

/** Every call of the agent port; who calls is known before anything else is done. */
export function agentHandlers(services: Services, calls: OpenCalls): AgentServiceServer {
  const parts = { log: services.log, gate: openGate, calls };
  return {
    connect: (call) => {
      handleConnect(services, calls, call);
    },
    downloadArtifact: (call) => {
      const peer = peerOf(call);
      serverStream(parts, (request: Parameters<typeof downloadArtifact>[1]) =>
        downloadArtifact(services, request, () => identifyPeer(services.nodes, peer)),
      )(call);
    },
  };
}
