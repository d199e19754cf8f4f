// SPDX-License-Identifier: GPL-2.0-only
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, credentials, Metadata, type ClientDuplexStream } from '@grpc/grpc-js';
import {
  AgentServiceService,
  NodeReport,
  NodeStatus,
  type ConnectRequest,
  type ConnectResponse,
} from '@lockstep/contracts/generated';
import { createCertificateRequest } from '@lockstep/io/certificates';
import { enrol, type OperatorClient } from '@lockstep/io/rpc-client';
import type { ProbedControlPlane } from './probed-control-plane';

const kernelBuildId = 'ab'.repeat(20);
const noHash = '0'.repeat(64);
const takenWithinMs = 120_000;

/** Ten livepatches of twenty functions: some 9 KB, as a node with many patches reports. No two are the same. */
export function reportNumber(number: number): NodeReport {
  const functions = (patch: number) =>
    Array.from({ length: 20 }, (_, index) => ({
      object: 'vmlinux',
      name: `some_function_of_the_kernel_${patch}_${index}`,
      sympos: 1,
    }));
  return NodeReport.fromPartial({
    status: NodeStatus.NODE_STATUS_IN_STEP,
    headHash: noHash,
    stack: Array.from({ length: 10 }, (_, patch) => ({
      moduleName: `lockstep_soak_${patch}`,
      enabled: true,
      functions: functions(patch),
      artifactSha256: 'cd'.repeat(32),
    })),
    problem: { reason: 'soak', message: String(number) },
  });
}

type Stream = ClientDuplexStream<ConnectRequest, ConnectResponse>;

export interface ReportingStream {
  /** Sends the reports from number `from` on; resolves once all of them were taken in. */
  send(from: number, count: number, onSent: (sent: number) => void): Promise<void>;
  close(): void;
}

/** One node over a real connection: mutual TLS, gRPC, its own certificate. It reports as fast as it is listened to. */
export class ReportingAgent {
  private constructor(
    private readonly name: string,
    private readonly operator: OperatorClient,
    private readonly address: string,
    private readonly tls: ReturnType<typeof credentials.createSsl>,
  ) {}

  static async enrol(plane: ProbedControlPlane, operator: OperatorClient, node: string): Promise<ReportingAgent> {
    const { joinToken } = await operator.fleet.createJoinToken({
      cluster: 'soak',
      node,
      ttlSeconds: 0,
      allow: '',
      count: 0,
    });
    const { privateKeyPem, requestPem } = await createCertificateRequest();
    const { certificate } = await enrol({
      address: plane.operatorAddress,
      joinToken,
      certificateRequest: requestPem,
    });
    const pem = (text: string): Buffer => Buffer.from(text);
    // The certificate is the pinned CA's; for which address it is, the product's own clients check.
    const verify = { checkServerIdentity: () => undefined };
    const tls = credentials.createSsl(pem(plane.ca), pem(privateKeyPem), pem(certificate), verify);
    return new ReportingAgent(node, operator, plane.agentAddress, tls);
  }

  /** Connects and says hello; the stream lives until `close`. */
  connect(): ReportingStream {
    const client = new Client(this.address, this.tls, {
      'grpc.use_local_subchannel_pool': 1,
      'grpc.ssl_target_name_override': 'lockstep-control-plane',
    });
    const { path, requestSerialize, responseDeserialize } = AgentServiceService.connect;
    const stream: Stream = client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, new Metadata());
    const failed = new Promise<never>((_, reject) => {
      stream.on('error', reject);
    });
    // Whoever sends meets it; after the end it concerns nobody.
    failed.catch(() => undefined);
    stream.resume();
    const hello = {
      ...{ agentVersion: 'soak', kernelBuildId, kernelRelease: '6.1', bootId: 'soak', headSeq: 0, headHash: noHash },
      ...{ patchedCore: false, entryVersions: [1], labels: {} },
    };
    stream.write({ message: { $case: 'hello', value: hello } });
    return {
      send: (from, count, onSent) => Promise.race([this.sendAll(stream, from, count, onSent), failed]),
      close: () => {
        stream.cancel();
        client.close();
      },
    };
  }

  private async sendAll(stream: Stream, from: number, count: number, onSent: (sent: number) => void): Promise<void> {
    for (let sent = 0; sent < count; sent += 1) {
      const value = reportNumber(from + sent);
      if (!stream.write({ message: { $case: 'report', value } })) await once(stream, 'drain');
      onSent(sent + 1);
    }
    await this.taken(from + count - 1);
  }

  /** The last report is the one that is kept once all before it were read. */
  private async taken(number: number): Promise<void> {
    const deadlineMs = performance.now() + takenWithinMs;
    for (;;) {
      const { node } = await this.operator.fleet.getNode({ name: this.name });
      if (node?.report?.problem?.message === String(number)) return;
      if (performance.now() > deadlineMs) throw new Error(`Node ${this.name}: report ${number} was not taken in.`);
      await sleep(100);
    }
  }
}
