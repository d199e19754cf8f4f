// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  Server,
  ServerCredentials,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
} from '@grpc/grpc-js';
import {
  AgentServiceService,
  EnrolmentServiceService,
  type ConnectRequest,
  type ConnectResponse,
  type DownloadArtifactRequest,
  type DownloadArtifactResponse,
  type EnrolRequest,
  type EnrolResponse,
  type Hello,
  type NodeReport,
  type ProbeOrder,
} from '@lockstep/contracts/generated';
import { formatJoinToken, entryToWire, headToWire, statusFromError } from '@lockstep/contracts/wire';
import {
  newJoinToken,
  openCertificateAuthority,
  readCertificateRequest,
  type CertificateAuthority,
  type LogSigner,
} from '@lockstep/io/certificates';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import {
  currentKey,
  encodeEntry,
  encodeHead,
  headHash,
  introduceKey,
  nextSeq,
  proposeEntry,
  type EntryBody,
  type LogEntry,
  type LogKey,
  type LogName,
  type Switching,
} from '@lockstep/domain/load-order';
import {
  LockstepError,
  type ClusterName,
  type KernelBuildId,
  type ModuleName,
  type NodeName,
  type PatchId,
  type PatchName,
  type Seq,
} from '@lockstep/domain/livepatch-model';

type AgentStream = ServerDuplexStream<ConnectRequest, ConnectResponse>;

const chunkBytes = 1000;

/** The agent's peer, real from the socket to the protocol, told by each test what to say. */
export class TestControlPlane {
  log: LogName = { cluster: 'web' as ClusterName, kernelBuild: 'ab'.repeat(20) as KernelBuildId };
  entries: LogEntry[] = [];
  readonly modules = new Map<string, Buffer>();
  readonly hellos: Hello[] = [];
  readonly reports: NodeReport[] = [];
  readonly downloads: DownloadArtifactRequest[] = [];
  enrolments = 0;
  /** The window that it names for fetching ahead. */
  fetchWithinMs = 0;
  /** Ends a download after so many bytes, as a broken connection would. */
  breakDownloadsAfter = Infinity;
  /** Says this instead of talking. */
  rejection: string | undefined;
  /** Where it says at an enrolment that agents find it, if not at its own port alone. */
  toldAddress: string | undefined;
  operatorPort = 0;
  agentPort = 0;
  private servers: Server[] = [];
  private stream: AgentStream | undefined;
  private readonly signers = new Map<LogKey, LogSigner>();

  private constructor(
    readonly folder: string,
    readonly authority: CertificateAuthority,
  ) {}

  static async create(): Promise<TestControlPlane> {
    const folder = mkdtempSync(path.join(tmpdir(), 'lockstep-control-plane-'));
    const authority = await openCertificateAuthority({
      dir: folder,
      names: ['localhost', '127.0.0.1'],
      mayMakeKeys: true,
    });
    return new TestControlPlane(folder, authority);
  }

  /** Another one with the same keys. */
  beside(): TestControlPlane {
    return new TestControlPlane(this.folder, this.authority);
  }

  /** Both ports; the same ones when it was started before. */
  async start(): Promise<void> {
    const { privateKeyPem, certificateChainPem } = this.authority.server;
    const pair = { private_key: Buffer.from(privateKeyPem), cert_chain: Buffer.from(certificateChainPem) };
    const operators = new Server();
    operators.addService(EnrolmentServiceService, {
      enrol: (call: ServerUnaryCall<EnrolRequest, EnrolResponse>, callback: sendUnaryData<EnrolResponse>) => {
        try {
          callback(null, this.enrol(call.request));
        } catch (error) {
          callback(statusFromError(error));
        }
      },
    });
    const agents = new Server();
    agents.addService(AgentServiceService, {
      connect: (stream: AgentStream) => {
        this.converse(stream);
      },
      downloadArtifact: (call: ServerWritableStream<DownloadArtifactRequest, DownloadArtifactResponse>) => {
        this.download(call);
      },
    });
    const ca = Buffer.from(this.authority.trustedPem);
    this.operatorPort = await listen(operators, this.operatorPort, ServerCredentials.createSsl(null, [pair]));
    this.agentPort = await listen(agents, this.agentPort, ServerCredentials.createSsl(ca, [pair], true));
    this.servers = [operators, agents];
  }

  /** Gone at once, as with kill -9. */
  stop(): void {
    for (const server of this.servers) server.forceShutdown();
    this.servers = [];
    this.stream = undefined;
  }

  remove(): void {
    this.stop();
    rmSync(this.folder, { recursive: true });
  }

  readonly joinToken = (): string => formatJoinToken(newJoinToken(this.authority.first.pinSha256));

  get address(): string {
    return `127.0.0.1:${this.operatorPort}`;
  }

  get lastReport(): NodeReport | undefined {
    return this.reports.at(-1);
  }

  /** An entry that loads a module of this name with these functions; not sent yet. */
  append(
    name: string,
    functions: string,
    overrides: readonly number[] = [],
    {
      filler = name,
      module,
      ...switching
    }: Switching & { readonly filler?: string; readonly module?: Uint8Array } = {},
  ): LogEntry {
    const bytes = module === undefined ? Buffer.from(`${filler} `.repeat(800)) : Buffer.from(module);
    const sha256 = sha256OfBytes(bytes);
    this.modules.set(sha256, bytes);
    const artifact = {
      sha256,
      sizeBytes: bytes.length,
      kernelBuild: this.log.kernelBuild,
      moduleName: `lockstep_${name}` as ModuleName,
      patch: createHash('sha256').update(name).digest('hex') as PatchId,
      patchName: name as PatchName,
      replace: false,
      functions: Array.from(functions, (fn) => ({ object: 'vmlinux', name: fn, sympos: 0 })),
    };
    return this.sign({ kind: 'load', artifact, overrides: overrides as Seq[], builtOnto: [], ...switching });
  }

  retire(seq: number): LogEntry {
    return this.sign({ kind: 'retire', retires: seq as Seq });
  }

  /** From now on it is about nodes with another kernel, and has nothing for them yet. */
  startOver(kernelBuild: KernelBuildId): void {
    this.log = { ...this.log, kernelBuild };
    this.entries = [];
  }

  /** A new key signs what follows. */
  async rotate(): Promise<LogEntry> {
    const { logKeys } = this.authority;
    const key = await logKeys.create();
    this.signers.set(key, await logKeys.signerOf(key));
    const place = { ...this.log, seq: nextSeq(this.entries), previousHash: headHash(this.entries) };
    return this.sign(await introduceKey(place, key, sha256OfBytes, logKeys.sign));
  }

  private sign(body: EntryBody): LogEntry {
    const proposed = proposeEntry(this.log, this.entries, body);
    const hash = sha256OfBytes(encodeEntry(proposed));
    const entry: LogEntry = { ...proposed, hash, signature: this.signerOf(currentKey(this.entries)).sign(hash) };
    this.entries = [...this.entries, entry];
    return entry;
  }

  get connected(): boolean {
    return this.stream !== undefined;
  }

  offer(entries: readonly LogEntry[] = this.entries): void {
    this.stream?.write({
      message: {
        $case: 'extension',
        value: { entries: entries.map(entryToWire), traceparent: '', fetchWithinMs: this.fetchWithinMs },
      },
    });
  }

  /** Where the log ends, good for so long from now on; of this cluster, unless another is named. */
  tellHead({ lifeMs, cluster = this.log.cluster }: { readonly lifeMs: number; readonly cluster?: ClusterName }): void {
    const key = currentKey(this.entries);
    const place = { ...this.log, cluster, seq: this.entries.length as Seq, hash: headHash(this.entries), key };
    const head = { ...place, issuedAtMs: Date.now(), expiresAtMs: Date.now() + lifeMs };
    const signature = this.signerOf(key).sign(sha256OfBytes(encodeHead(head)));
    this.stream?.write({ message: { $case: 'signedHead', value: headToWire({ ...head, signature }) } });
  }

  private signerOf(key: LogKey | undefined): LogSigner {
    return (key && this.signers.get(key)) ?? this.authority.logSigner;
  }

  moveTo(seq: number): void {
    this.stream?.write({ message: { $case: 'moveTo', value: { seq, traceparent: '' } } });
  }

  /** An operator's word about the crash that the node reports. */
  release(crashedBootId: string): void {
    this.stream?.write({ message: { $case: 'release', value: { crashedBootId } } });
  }

  /** An operator's word about livepatches that no entry loads. */
  repair(...modules: string[]): void {
    this.stream?.write({ message: { $case: 'repair', value: { modules } } });
  }

  /** What it is to probe from now on. */
  probe(value: ProbeOrder): void {
    this.stream?.write({ message: { $case: 'probes', value } });
  }

  /** An entry as a control plane of the future would send it. */
  offerOfVersion(version: number): void {
    const entries = this.entries.slice(-1).map((entry) => ({ ...entryToWire(entry), version }));
    this.stream?.write({
      message: { $case: 'extension', value: { entries, traceparent: '', fetchWithinMs: this.fetchWithinMs } },
    });
  }

  private enrol({ certificateRequest }: EnrolRequest): EnrolResponse {
    this.enrolments += 1;
    const key = readCertificateRequest(certificateRequest);
    return {
      certificate: this.authority.issueNodeCertificate(key, 'n1' as NodeName),
      caCertificate: this.authority.first.certificatePem,
      caCertificates: '',
      logPublicKey: this.authority.logSigner.publicKeyPem,
      newestLogPublicKey: currentKey(this.entries) ?? '',
      cluster: 'web',
      node: 'n1',
      agentAddress: this.toldAddress ?? `:${this.agentPort}`,
    };
  }

  private converse(stream: AgentStream): void {
    stream.on('error', () => undefined);
    stream.on('close', () => {
      if (this.stream === stream) this.stream = undefined;
    });
    stream.on('data', ({ message }: ConnectRequest) => {
      if (message?.$case === 'hello') this.greet(stream, message.value);
      else if (message?.$case === 'report') this.reports.push(message.value);
    });
  }

  private greet(stream: AgentStream, hello: Hello): void {
    this.hellos.push(hello);
    if (this.rejection !== undefined) {
      stream.write({ message: { $case: 'rejection', value: { problem: { reason: this.rejection, message: 'No.' } } } });
      stream.end();
      return;
    }
    this.stream = stream;
    const entries = this.entries.slice(hello.headSeq);
    if (entries.length > 0) this.offer(entries);
  }

  private download(call: ServerWritableStream<DownloadArtifactRequest, DownloadArtifactResponse>): void {
    const { sha256, offset } = call.request;
    this.downloads.push(call.request);
    const bytes = this.modules.get(sha256);
    if (bytes === undefined) {
      call.emit('error', statusFromError(new LockstepError('not-found', 'no-artifact', 'No such module.')));
      return;
    }
    for (let at = offset; at < bytes.length; at += chunkBytes) {
      if (at - offset >= this.breakDownloadsAfter) {
        call.emit('error', statusFromError(new LockstepError('unavailable', 'going-down', 'Restarting.')));
        return;
      }
      call.write({ chunk: bytes.subarray(at, at + chunkBytes) });
    }
    call.end();
  }
}

function listen(server: Server, port: number, credentials: ServerCredentials): Promise<number> {
  return new Promise((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
}
