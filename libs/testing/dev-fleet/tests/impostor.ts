// SPDX-License-Identifier: GPL-2.0-only
import {
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerWritableStream,
  type UntypedHandleCall,
} from '@grpc/grpc-js';
import {
  AgentServiceService,
  type ConnectRequest,
  type ConnectResponse,
  type DownloadArtifactRequest,
  type DownloadArtifactResponse,
  type NodeReport,
} from '@lockstep/contracts/generated';
import { entryToWire } from '@lockstep/contracts/wire';
import { encodeEntry, headHash, type EntryBody, type EntrySignature, type LogEntry } from '@lockstep/domain/load-order';
import { parseSeq, parseSha256 } from '@lockstep/domain/livepatch-model';
import { openCertificateAuthority, type CertificateAuthority } from '@lockstep/io/certificates';
import { sha256OfBytes } from '@lockstep/platform/runtime';

type Session = ServerDuplexStream<ConnectRequest, ConnectResponse>;

const answerWithinMs = 40_000;

/**
 * A control plane with the real one's keys and address, that sends what it likes: restored from a backup, broken into,
 * or broken. Agents connect to it as to the real one.
 */
export class Impostor {
  private session: Session | undefined;
  private readonly reports: NodeReport[] = [];
  private readonly server = new Server();

  private constructor(readonly authority: CertificateAuthority) {}

  static async start(pkiDir: string, address: string): Promise<Impostor> {
    const authority = await openCertificateAuthority({
      dir: pkiDir,
      names: ['127.0.0.1', 'localhost'],
      mayMakeKeys: true,
    });
    const impostor = new Impostor(authority);
    impostor.server.addService(AgentServiceService, {
      connect: ((call: Session) => {
        impostor.take(call);
      }) as UntypedHandleCall,
      downloadArtifact: ((call: ServerWritableStream<DownloadArtifactRequest, DownloadArtifactResponse>) => {
        call.end();
      }) as UntypedHandleCall,
    });
    const { privateKeyPem, certificateChainPem } = authority.server;
    const pair = { private_key: Buffer.from(privateKeyPem), cert_chain: Buffer.from(certificateChainPem) };
    const tls = ServerCredentials.createSsl(Buffer.from(authority.trustedPem), [pair], true);
    await new Promise<void>((resolve, reject) => {
      impostor.server.bindAsync(address, tls, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
    });
    return impostor;
  }

  /** Sends it to the agent that is connected; answers the first report after it that `isAnswer`. */
  async send(responses: readonly ConnectResponse[], isAnswer: (report: NodeReport) => boolean): Promise<NodeReport> {
    const session = await this.until(() => this.session);
    this.reports.length = 0;
    for (const response of responses) session.write(response);
    return this.until(() => this.reports.find(isAnswer));
  }

  stop(): void {
    this.server.forceShutdown();
  }

  private take(call: Session): void {
    call.on('error', () => undefined);
    call.on('close', () => {
      if (this.session === call) this.session = undefined;
    });
    call.on('data', ({ message }: ConnectRequest) => {
      if (message?.$case === 'hello') this.session = call;
      if (message?.$case === 'report') this.reports.push(message.value);
    });
  }

  private async until<T>(ask: () => T | undefined): Promise<T> {
    const deadline = Date.now() + answerWithinMs;
    for (;;) {
      const answer = ask();
      if (answer !== undefined) return answer;
      if (Date.now() > deadline) throw new Error(`no answer; reports: ${JSON.stringify(this.reports)}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** The entry that would append `body`, hashed and signed, rules of appending or not. */
export function forgeEntry(
  known: readonly LogEntry[],
  like: LogEntry,
  body: EntryBody,
  sign: CertificateAuthority['logSigner']['sign'],
): LogEntry {
  const { cluster, kernelBuild } = like;
  const unsigned = { cluster, kernelBuild, seq: parseSeq(known.length + 1), previousHash: headHash(known), body };
  const hash = sha256OfBytes(encodeEntry(unsigned));
  return { ...unsigned, hash, signature: sign(hash) };
}

export const extension = (...entries: readonly LogEntry[]): ConnectResponse => ({
  message: { $case: 'extension', value: { entries: entries.map(entryToWire), traceparent: '', fetchWithinMs: 0 } },
});

export const moveTo = (seq: number): ConnectResponse => ({
  message: { $case: 'moveTo', value: { seq, traceparent: '' } },
});

export const noSignature = Buffer.alloc(64).toString('base64') as EntrySignature;
export const otherHash = parseSha256('e'.repeat(64));
