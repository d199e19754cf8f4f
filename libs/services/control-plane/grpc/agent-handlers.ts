// SPDX-License-Identifier: GPL-2.0-only
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { AgentServiceServer, ConnectRequest, ConnectResponse } from '@lockstep/contracts/generated';
import { identifyPeer, type PeerCertificate } from '../agents/peer-identity';
import { connect } from '../routes/connect';
import { downloadArtifact } from '../routes/download-artifact';
import type { Services } from '../services';
import { serverStream, toStatus } from './call-route';
import { openGate } from './operator-token';

interface AuthenticatedCall {
  getAuthContext(): { sslPeerCertificate?: PeerCertificate };
}

const peerOf = (call: AuthenticatedCall): PeerCertificate | undefined => call.getAuthContext().sslPeerCertificate;

/** Runs the conversation until it ends; its error, if any, is the stream's last word. */
function handleConnect(services: Services, call: ServerDuplexStream<ConnectRequest, ConnectResponse>): void {
  const abort = new AbortController();
  call.on('cancelled', () => {
    abort.abort();
  });
  // A broken transport shows in the iteration; without a listener it would end the process.
  call.on('error', () => undefined);
  const converse = async (): Promise<void> => {
    const node = await identifyPeer(services.db, peerOf(call));
    await connect(services, node, call, abort);
  };
  converse().then(
    () => {
      call.end();
    },
    (error: unknown) => {
      if (!call.cancelled) call.emit('error', toStatus(error, call.getPath(), services.log));
    },
  );
}

/** Every call of the agent port; who calls is known before anything else is done. */
export function agentHandlers(services: Services): AgentServiceServer {
  return {
    connect: (call) => {
      handleConnect(services, call);
    },
    downloadArtifact: (call) => {
      const peer = peerOf(call);
      const parts = { log: services.log, gate: openGate };
      serverStream(parts, (request: Parameters<typeof downloadArtifact>[1]) =>
        downloadArtifact(services, request, () => identifyPeer(services.db, peer)),
      )(call);
    },
  };
}
