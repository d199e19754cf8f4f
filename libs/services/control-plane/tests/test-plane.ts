// SPDX-License-Identifier: GPL-2.0-only
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from '@jest/globals';
import {
  OwnerKind,
  Priority,
  Role,
  type CreateTokenRequest,
  type SubmitPatchRequest,
} from '@lockstep/contracts/generated';
import { switchingToWire } from '@lockstep/contracts/wire';
import { parseModuleName, parseSha256, type ArtifactManifest } from '@lockstep/domain/livepatch-model';
import { openArtifactStore, type ArtifactStore } from '@lockstep/io/artifact-store';
import { createCertificateRequest } from '@lockstep/io/certificates';
import {
  chooseQueueServer,
  openJobQueue,
  startJobWorker,
  type JobHandler,
  type JobState,
  type JobWorker,
  type Lane,
  type QueueServer,
} from '@lockstep/io/job-queue';
import { connectAgent, connectOperator, enrol, type AgentClient, type OperatorClient } from '@lockstep/io/rpc-client';
import { bundle, fleetProcess, type FleetProcess } from '@lockstep/testing/dev-fleet';
import { freePort, temporaryFolder, type TemporaryFolder } from '@lockstep/testing/local-servers';
import { writtenLivepatch } from '@lockstep/testing/object-fixtures';
import { pino } from 'pino';
import { createControlPlane, readControlPlaneConfig, type ControlPlane, type Endpoint } from '../index';
import { kernelBuild, TestAgent } from './test-agent';
import { eventually } from './eventually';

export { eventually };

const release = '6.1.0-test';

/** A control plane of its own, in this process, with its embedded PostgreSQL, an operator and a worker of the test's making. */
export class TestPlane {
  /** What would have ended the process. */
  readonly fatal: Error[] = [];
  private plane: ControlPlane | undefined;
  private process: FleetProcess | undefined;
  private workers: JobWorker[] = [];
  private clients: { close(): void }[] = [];

  private constructor(
    readonly folder: TemporaryFolder,
    private readonly env: Record<string, string>,
  ) {}

  endpoint!: Endpoint;
  operator!: OperatorClient;
  ca!: string;
  artifacts!: ArtifactStore;

  static async start(env: Record<string, string> = {}): Promise<TestPlane> {
    const plane = await TestPlane.make(env);
    await plane.up();
    return plane;
  }

  /** The same as a process of its own, which can be killed. */
  static async startProcess(env: Record<string, string> = {}): Promise<TestPlane> {
    const plane = await TestPlane.make(env);
    plane.process = fleetProcess({
      ...{ name: 'control-plane', command: process.execPath, args: [bundle('control-plane')], env: plane.env },
      logFile: path.join(plane.folder.path, 'control-plane.log'),
    });
    await plane.up();
    return plane;
  }

  private static async make(env: Record<string, string>): Promise<TestPlane> {
    const folder = await temporaryFolder('plane');
    return new TestPlane(folder, {
      LOCKSTEP_STATE_DIR: path.join(folder.path, 'state'),
      LOCKSTEP_AUTO_INIT: 'on',
      LOCKSTEP_OPERATOR_PORT: String(await freePort()),
      LOCKSTEP_AGENT_PORT: String(await freePort()),
      LOCKSTEP_POSTGRES_PORT: String(await freePort()),
      LOCKSTEP_MONITORING_LISTEN: 'off',
      // Its agents try again at once.
      LOCKSTEP_RETURN_GRACE_SECONDS: '5',
      ...env,
    });
  }

  get config() {
    return readControlPlaneConfig(this.env);
  }

  async up(): Promise<void> {
    this.endpoint = await (this.process === undefined ? this.startHere() : this.startBeside(this.process));
    this.ca = await readFile(path.join(this.config.keysDir, 'pki/ca.crt'), 'utf8');
    this.operator = this.operatorWith(await readFile(path.join(this.config.keysDir, 'operator.token'), 'utf8'));
    this.artifacts = await openArtifactStore(this.config.artifactDir);
  }

  /** Whoever has this access token. */
  operatorWith(token: string): OperatorClient {
    return this.keep(connectOperator({ address: this.endpoint.operatorAddress, ca: this.ca, token }));
  }

  /** A new access token's secret; of an admin everywhere, unless something else is said. */
  async accessToken(name: string, some: Partial<CreateTokenRequest> = {}): Promise<string> {
    const secret = `lockstep_test_${name}_${'x'.repeat(32)}`;
    await this.operator.access.createToken({
      ...{ name, owner: name, ownerKind: OwnerKind.OWNER_KIND_PERSON, roles: [Role.ROLE_ADMIN], ttlSeconds: 0 },
      scope: { everywhere: true, clusters: [], selector: '' },
      secretSha256: createHash('sha256').update(secret).digest('hex'),
      certificateRequest: '',
      ...some,
    });
    return secret;
  }

  private startHere(): Promise<Endpoint> {
    this.plane = createControlPlane(this.config, {
      log: pino({ level: 'silent' }),
      onFatal: (error) => this.fatal.push(error),
    });
    return this.plane.start();
  }

  private async startBeside(process: FleetProcess): Promise<Endpoint> {
    process.start();
    let endpoint: Endpoint | undefined;
    await eventually(async () => {
      const file = path.join(this.config.stateDir, 'endpoint.json');
      endpoint = JSON.parse(await readFile(file, 'utf8')) as Endpoint;
      expect(endpoint.pid).toBe(process.pid());
    }, 120_000);
    return endpoint!;
  }

  /** What a plane that is a process of its own has logged, line by line. */
  processLog(): string[] {
    return readFileSync(this.process!.logFile, 'utf8').split('\n');
  }

  /** kill -9; its database goes on. */
  async kill(): Promise<void> {
    await this.process?.kill();
  }

  /** Stops and starts the control plane; agents and operators have to come again. */
  async restart(): Promise<void> {
    await this.down();
    await this.up();
  }

  /** Stops the control plane alone: `up` starts it on the same state. */
  async down(): Promise<void> {
    await this.process?.stop();
    await this.plane?.stop();
  }

  async stop(): Promise<void> {
    for (const worker of this.workers.splice(0)) await worker.close();
    for (const client of this.clients) client.close();
    await this.down();
    await this.folder.remove();
  }

  /** As a worker has it. */
  private get queueServer(): QueueServer {
    return chooseQueueServer(this.endpoint.queueUrl, this.config.redisUrl)!;
  }

  async work(handler: JobHandler, lane: Lane = 'work'): Promise<JobWorker> {
    const common = { server: this.queueServer, lane, handler, onError: () => undefined };
    const worker = await startJobWorker({ ...common, concurrency: 2, lockMs: 1000 });
    this.workers.push(worker);
    return worker;
  }

  /** How a job stands in the queue. */
  async jobState(id: string): Promise<JobState['state']> {
    const server = chooseQueueServer(this.endpoint.databaseUrl, this.config.redisUrl)!;
    const queue = await openJobQueue({ server, onChange: () => undefined, onError: () => undefined });
    const { state } = await queue.state(id);
    await queue.close();
    return state;
  }

  async stopWorkers(): Promise<void> {
    for (const worker of this.workers.splice(0)) await worker.close();
  }

  /** A worker that "builds": the diff names the functions that the module changes. */
  readonly honestWorker: JobHandler = async (job) => {
    if (job.kind === 'register-kernel') {
      return {
        kind: job.kind,
        id: kernelBuild,
        release,
        compiler: 'gcc 12',
        configSha256: parseSha256('0'.repeat(64)),
      };
    }
    if (job.kind === 'share-kernel') throw new Error('it has no tree');
    const diff = Buffer.from(job.diffs.map((each) => Buffer.from(each.diff, 'base64').toString()).join(' '));
    const functions = diff
      .toString()
      .trim()
      .split(' ')
      .map((name) => ({ object: 'vmlinux', name, sympos: 0 }));
    const { patch, patchName, onto, replace } = job;
    const below = onto.map((each) => `_${each.patchName}`).join('');
    const moduleName = parseModuleName(`lockstep_${patchName}${below}`.replaceAll('-', '_'));
    const said = { kernelBuild: job.kernelBuild, moduleName, replace, functions };
    const artifact: ArtifactManifest = {
      ...(await this.artifacts.put(writtenLivepatch({ ...said, release }))),
      ...{ ...said, patch, patchName },
    };
    const explanation = functions.map((fn) => ({ ...fn, objectPath: 'fs/test.o', reasons: ['it is named'] }));
    return { kind: 'build', artifact, explanation, proofs: [] };
  };

  async addKernel(): Promise<string[]> {
    const events: string[] = [];
    for await (const { event } of this.operator.build.addKernel({ path: '/kernels/test', stock: undefined })) {
      events.push(event?.$case === 'kernelBuild' ? event.value.id : (event?.$case ?? ''));
    }
    return events;
  }

  /** Submits a patch whose diff is the list of its functions, and waits for its build. */
  async build(name: string, ...functions: string[]): Promise<string> {
    return this.submit({ name, diff: Buffer.from(functions.join(' ')) });
  }

  async submit(some: Partial<SubmitPatchRequest>): Promise<string> {
    const request: SubmitPatchRequest = {
      name: '',
      diff: Buffer.alloc(0),
      description: '',
      author: '',
      cves: [],
      kernelBuildIds: [],
      priority: Priority.PRIORITY_UNSPECIFIED,
      onto: undefined,
      allowedTypeChanges: undefined,
      fuzz: 0,
      mayChangeBuild: false,
      reproduce: false,
      ...some,
    };
    const { builds } = await this.operator.build.submitPatch(request);
    const { id } = builds[0]!;
    await this.ended(id);
    return id;
  }

  async ended(id: string): Promise<void> {
    const changes = this.operator.build.watchBuild({ id, fromLine: 0 })[Symbol.asyncIterator]();
    while ((await changes.next()).done !== true);
  }

  async append(cluster: string, patch: string, ...overrides: string[]): Promise<number> {
    const request = {
      cluster,
      patch,
      kernelBuildId: '',
      overrides,
      expectedSeq: 0,
      mayInterrupt: false,
      buildId: '',
      ...switchingToWire({}),
    };
    return (await this.operator.fleet.appendLoad(request)).entry!.seq;
  }

  async joinToken(cluster: string, node: string): Promise<string> {
    return (await this.operator.fleet.createJoinToken({ cluster, node, ttlSeconds: 0, allow: '', count: 0 })).joinToken;
  }

  async enrol(cluster: string, node: string): Promise<TestAgent> {
    const { certificate, key } = await this.credentials(cluster, node);
    return this.agent(certificate, key);
  }

  /** What makes a machine the node. */
  async credentials(cluster: string, node: string): Promise<{ readonly certificate: string; readonly key: string }> {
    const joinToken = await this.joinToken(cluster, node);
    const { privateKeyPem, requestPem } = await createCertificateRequest();
    const address = this.endpoint.operatorAddress;
    const { certificate } = await enrol({ address, joinToken, certificateRequest: requestPem });
    return { certificate, key: privateKeyPem };
  }

  agent(certificate: string, key: string): TestAgent {
    return new TestAgent(this.agentClient(certificate, key));
  }

  agentClient(certificate: string, key: string): AgentClient {
    return this.keep(connectAgent({ address: this.endpoint.agentAddress, ca: this.ca, certificate, key }));
  }

  /** Of one that is a process of its own: it answers nobody, and lives (SIGSTOP); and goes on. */
  freeze(): void {
    this.process?.freeze();
  }

  thaw(): void {
    this.process?.thaw();
  }

  private keep<T extends { close(): void }>(client: T): T {
    this.clients.push(client);
    return client;
  }
}

export async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return Buffer.concat(all);
}
