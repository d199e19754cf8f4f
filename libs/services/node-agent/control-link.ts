// SPDX-License-Identifier: GPL-2.0-only
import type {
  Authorities,
  ConnectResponse,
  Hello,
  LogExtension,
  NodeReport,
  NodeTrust,
  ProbeOrder,
} from '@lockstep/contracts/generated';
import { comeBackWithinMs, entryFromWire, entryToWire, headFromWire } from '@lockstep/contracts/wire';
import type { ArtifactSource } from '@lockstep/io/agent-journal';
import {
  agentBackOff,
  connectAgent,
  createBackOff,
  isLastingRefusal,
  parseAddresses,
  pause,
  showAddress,
  type AgentClient,
  type AgentSession,
} from '@lockstep/io/rpc-client';
import type { LogEntry } from '@lockstep/domain/load-order';
import { LockstepError, parseModuleName, parseSeq, type Sha256 } from '@lockstep/domain/livepatch-model';
import { entryNotReadable, type Problem } from '@lockstep/domain/node-state';
import { CertificateRenewal } from './certificate-renewal';
import type { FollowingLoader } from './loader';
import type { Log } from './logger';
import type { NodeIdentity } from './node-identity';
import type { NodeTraces } from './node-traces';
import { readAuthorities, trustOf } from './trusted-authorities';
import { problemFrom } from './problem';
import { ReportPace } from './report-pace';

export interface LinkOptions {
  readonly identity: NodeIdentity;
  /** Keeps the identity with its new certificate. */
  readonly keepIdentity: (identity: NodeIdentity) => Promise<void>;
  readonly log: Log;
  readonly makeHello: () => Hello;
  readonly makeReport: () => NodeReport;
  /** Who is told what the control plane says: that it has been taken in is the back-pressure on the stream. */
  readonly loader: Pick<FollowingLoader, 'tell' | 'entriesAfter'>;
  readonly probes: { take(order: ProbeOrder): void; noteSilence(): void };
  readonly heartbeatMs: number;
  readonly traces: NodeTraces;
}

/**
 * How long one try to connect may take: a control plane that has just started takes a fleet in turn, and whoever leaves its
 * place begins anew. Where there is another one it may be at leisure, so each is asked for a shorter time first.
 */
const connectTimeoutMs = 60_000;
const firstConnectTimeoutMs = 10_000;
/** A session that lived this long was a good one: the next try comes soon. A try to connect may take as long, and is none. */
const goodSessionMs = 5_000;

/** One control plane; they are as good as one another. */
interface Server {
  readonly address: string;
  readonly client: AgentClient;
}

const serversOf = ({ agentAddress, ca, certificate, key }: NodeIdentity): Server[] =>
  parseAddresses(agentAddress).map((each) => {
    const address = showAddress(each);
    return { address, client: connectAgent({ address, ca, certificate, key }) };
  });

/** The conversation with the control plane, taken up again whenever it ends. Local work never waits for it. */
export class ControlLink {
  private identity: NodeIdentity;
  private servers: readonly Server[];
  private trust: NodeTrust;
  private current: number;
  /** Since the last good session. */
  private tries = 0;
  /** So many one after the other were refused, by whichever side, for what will last. */
  private refusals = 0;
  private readonly renewal: CertificateRenewal;
  private readonly abort = new AbortController();
  private session: AgentSession | undefined;
  /** Its connections are of before the authorities changed. */
  private isNewlyTrusting = false;
  private heartbeat: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  private readonly pace = new ReportPace(() => {
    this.session?.report({ ...this.options.makeReport(), trust: this.trust });
  });

  constructor(private readonly options: LinkOptions) {
    this.identity = options.identity;
    this.servers = serversOf(this.identity);
    this.trust = trustOf(this.identity);
    this.renewal = new CertificateRenewal(this.identity.certificate);
    // A fleet spreads over them by itself.
    this.current = Math.floor(Math.random() * this.servers.length);
  }

  private get server(): Server {
    const server = this.servers[this.current];
    if (server === undefined) throw new Error('There is no address.');
    return server;
  }

  get isConnected(): boolean {
    return this.session !== undefined;
  }

  start(): void {
    this.running = this.keepConnected();
    this.heartbeat = setInterval(() => {
      this.report();
      // The next session begins with it.
      if (this.renewal.isDue()) this.restart();
    }, this.options.heartbeatMs);
  }

  /** Sends the node's view as it is then, now or in a moment, if anybody listens. */
  report(): void {
    this.pace.request();
  }

  /** Ends this session; the next one begins with a new hello. */
  restart(): void {
    this.session?.close();
  }

  fetch(sha256: Sha256, signal: AbortSignal = this.abort.signal): ArtifactSource {
    const ended = AbortSignal.any([signal, this.abort.signal]);
    return (offset) => this.server.client.downloadArtifact(sha256, offset, ended);
  }

  async stop(): Promise<void> {
    clearInterval(this.heartbeat);
    this.abort.abort();
    this.session?.close();
    await this.running;
    this.pace.stop();
    this.closeClients();
  }

  /** From the next session on. */
  private useIdentity(): void {
    this.closeClients();
    this.servers = serversOf(this.identity);
    this.isNewlyTrusting = false;
  }

  /** What is trusted is kept before it is said; the session goes on with the connection that it has. */
  private async takeAuthorities({ certificates, signs, renewWithinMs }: Authorities): Promise<void> {
    const ca = readAuthorities(certificates);
    const next = { ...this.identity, ca };
    const trust = trustOf(next);
    if (JSON.stringify(trust) !== JSON.stringify(this.trust)) {
      await this.options.keepIdentity(next);
      this.identity = next;
      this.trust = trust;
      this.isNewlyTrusting = true;
      this.options.log('info', 'authorities changed', { authorities: trust.authorities.join(' ') });
    }
    if (trust.certifiedBy !== signs && trust.authorities.includes(signs)) this.renewal.noteSuperseded(renewWithinMs);
    this.report();
  }

  private closeClients(): void {
    for (const { client } of this.servers) client.close();
  }

  private isStopping(): boolean {
    return this.abort.signal.aborted;
  }

  private async keepConnected(): Promise<void> {
    const { log } = this.options;
    const backOff = createBackOff(agentBackOff);
    while (!this.isStopping()) {
      if (this.isNewlyTrusting) this.useIdentity();
      let openedAtMs = Infinity;
      const onOpened = (): void => {
        openedAtMs = performance.now();
      };
      const failure: unknown = await this.converse(onOpened).then(
        () => undefined,
        (error: unknown) => error,
      );
      const problem = failure === undefined ? undefined : problemFrom(failure);
      if (this.isStopping()) return;
      if (problem?.reason === 'certificate-expired') this.renewal.noteExpired();
      if (performance.now() - openedAtMs > goodSessionMs) {
        backOff.reset();
        this.tries = 0;
      }
      this.refusals = isLastingRefusal(failure) ? this.refusals + 1 : 0;
      // Of several each is asked before that is believed.
      const isLasting = this.refusals >= this.servers.length;
      const delayMs = backOff.nextMs(comeBackWithinMs(failure), isLasting);
      log('warn', 'not connected', {
        address: this.server.address,
        reason: problem?.reason ?? 'ended-by-server',
        ...(problem === undefined ? {} : { problem: problem.message }),
        retryInMs: delayMs,
      });
      this.current = (this.current + 1) % this.servers.length;
      await pause(delayMs, this.abort.signal).catch(() => undefined);
    }
  }

  /** One session from hello to its end. */
  private async converse(onOpened: () => void): Promise<void> {
    const { makeHello, loader, log } = this.options;
    const { address } = this.server;
    const hasOthersToAsk = this.servers.length > 1 && this.tries < this.servers.length;
    this.tries += 1;
    await this.server.client.ready(hasOthersToAsk ? firstConnectTimeoutMs : connectTimeoutMs, this.abort.signal);
    if (this.isStopping()) return;
    if (this.renewal.isDue()) await this.renew();
    const session = this.server.client.openSession(makeHello());
    this.session = session;
    onOpened();
    log('info', 'connected', { address });
    try {
      await loader.tell({ kind: 'session-opened' });
      // What waited for a connection need not wait any longer.
      await loader.tell({ kind: 'retry-due' });
      for await (const { message } of session.messages) await this.take(message);
    } finally {
      this.session = undefined;
      this.options.probes.noteSilence();
      session.close();
    }
  }

  /** What fails is tried again later: the certificate may be good for long. If it is not, the session says so. */
  private async renew(): Promise<void> {
    const { log, keepIdentity } = this.options;
    try {
      const { certificate, caCertificates } = await this.server.client.renewCertificate(this.abort.signal);
      const renewed = { ...this.identity, certificate, ca: readAuthorities(caCertificates) };
      await keepIdentity(renewed);
      this.identity = renewed;
      this.trust = trustOf(renewed);
      this.useIdentity();
      this.renewal.noteRenewed(certificate);
      log('info', 'certificate renewed');
    } catch (error) {
      if (this.isStopping()) throw error;
      this.renewal.noteFailure();
      const { reason, message } = problemFrom(error);
      log('warn', 'certificate not renewed', { reason, problem: message });
    }
  }

  /** Whatever can be read is taken; what cannot is named, and no fork. */
  private async offer({ entries: offered, fetchWithinMs }: LogExtension): Promise<void> {
    const { loader } = this.options;
    const entries: LogEntry[] = [];
    let problem: Problem | undefined;
    for (const wire of offered) {
      try {
        entries.push(entryFromWire(wire));
      } catch (error) {
        if (!(error instanceof LockstepError) || error.reason !== entryNotReadable) throw error;
        problem = problemFrom(error);
        break;
      }
    }
    if (entries.length > 0 || problem === undefined) {
      await loader.tell({ kind: 'log-offered', entries, ...(fetchWithinMs > 0 && { fetchWithinMs }) });
    }
    if (problem !== undefined) await loader.tell({ kind: 'log-unreadable', problem });
  }

  /** What a control plane that lost a part of its log asks for. */
  private async tellEntries(afterSeq: number): Promise<void> {
    const entries = await this.options.loader.entriesAfter(afterSeq);
    this.session?.tellEntries({ entries: entries.map(entryToWire) });
  }

  private async take(message: ConnectResponse['message']): Promise<void> {
    const { loader, traces } = this.options;
    switch (message?.$case) {
      case 'extension':
        traces.noteEntry(message.value.entries.at(-1)?.seq ?? 0, message.value.traceparent);
        await this.offer(message.value);
        return;
      case 'signedHead':
        await loader.tell({ kind: 'head-offered', head: headFromWire(message.value) });
        return;
      case 'authorities':
        await this.takeAuthorities(message.value);
        return;
      case 'moveTo':
        traces.noteMove(message.value.traceparent);
        await loader.tell({ kind: 'move-requested', seq: parseSeq(message.value.seq) });
        return;
      case 'entriesWanted':
        await this.tellEntries(message.value.afterSeq);
        return;
      case 'release':
        await loader.tell({ kind: 'release-requested', crashedBoot: message.value.crashedBootId });
        return;
      case 'repair':
        await loader.tell({ kind: 'repair-requested', modules: message.value.modules.map(parseModuleName) });
        return;
      case 'probes':
        this.options.probes.take(message.value);
        return;
      case 'rejection': {
        const { reason, message: text } = message.value.problem ?? { reason: 'rejected', message: 'No reason given.' };
        throw new LockstepError('refused', reason, text);
      }
      case undefined:
        // From a newer control plane: nothing that this agent could do.
        return;
    }
  }
}
