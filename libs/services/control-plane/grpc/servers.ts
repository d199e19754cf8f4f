// SPDX-License-Identifier: GPL-2.0-only
import type { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, ServerCredentials, type ServerOptions, type ServiceDefinition } from '@grpc/grpc-js';
import {
  AccessServiceService,
  AuditServiceService,
  BuildServiceService,
  CampaignServiceService,
  EnrolmentServiceService,
  FleetServiceService,
} from '@lockstep/contracts/generated';
import { HealthService } from '@lockstep/contracts/generated/health';
import { comeBackWithinField, maxMessageBytes } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { identifyAgent, identifyOperator } from '../access/identify';
import { returnWindowMs } from '../agents/return-time';
import { TurnedAway } from '../agents/turned-away';
import type { PlaneReadiness } from '../monitoring/plane-readiness';
import type { Services } from '../services';
import { agentHandlers } from './agent-handlers';
import { agentService } from './agent-service';
import { sendingEncoded } from './answer-parts';
import { letInKnown, type Identify } from './callers';
import { healthService } from './health-service';
import { operatorHandlers } from './operator-handlers';
import { tellingUnreadable } from './readable-request';
import { TlsFront, type FrontLimit, type FrontLimits, type Peer, type ServerCertificate } from './tls-front';

/** An operator's machine that was switched off, or hangs, is noticed after these two together; nodes report, or are silent. */
const keepaliveTimeMs = 10_000;
const keepaliveTimeoutMs = 5_000;
/** When the server stops, streams are told so at once; what is short gets this long to finish. */
const finishWithinMs = 2_000;
/** How long last words take to leave, and connections that are cut off to go. */
const lastWordsWithinMs = 1_000;
const cutWithinMs = 1_000;
/** How often the control plane's own certificate is looked at. */
const lookAtCertificateEveryMs = 3_600_000;

/** A port that shows the control plane's certificate, and knows clients by theirs. */
export interface Presenting {
  present(certificate: ServerCertificate, trustedPem: string): void;
}

/** What one connection may ask for. */
interface Share {
  readonly messageBytes: number;
  readonly streams: number;
  /** Of all that waits in it. */
  readonly megabytes: number;
  /** Whether it is asked by HTTP/2 if its peer lives. */
  readonly isPinged: boolean;
}

/** A watch or a list for each screen of an operator's. */
const operatorsShare: Share = { messageBytes: maxMessageBytes, streams: 256, megabytes: 64, isPinged: true };
/** A stream, a few downloads, a renewal. */
const nodesShare: Share = { messageBytes: maxMessageBytes, streams: 16, megabytes: 64, isPinged: false };
/** One enrolment: a token, and a certificate request of a few hundred bytes. */
const strangersShare: Share = { messageBytes: 16 * 1024, streams: 4, megabytes: 1, isPinged: false };

/** Whole sites are behind one address: the limit is for whoever opens thousands. A fleet that comes back waits in turn. */
const agentLimits: FrontLimits = {
  mostConnections: 40_000,
  mostHandshakes: 20_000,
  // As many as begin in the time that each has: of clients that are all slow none is ended for the others.
  mostUnderWay: 9_000,
  mostFromOneAddress: 20_000,
  mostOfOneCertificate: 8,
};
const operatorLimits: FrontLimits = {
  mostConnections: 2_000,
  mostHandshakes: 100,
  mostUnderWay: 100,
  mostFromOneAddress: 1_000,
  mostOfOneCertificate: 100,
};

const optionsOf = ({ messageBytes, streams, megabytes, isPinged }: Share): ServerOptions => ({
  'grpc.max_receive_message_length': messageBytes,
  'grpc.max_send_message_length': maxMessageBytes,
  'grpc.max_concurrent_streams': streams,
  'grpc-node.max_session_memory': megabytes,
  // What it counts of each connection and call nobody asks for.
  'grpc.enable_channelz': 0,
  ...(isPinged && { 'grpc.keepalive_time_ms': keepaliveTimeMs, 'grpc.keepalive_timeout_ms': keepaliveTimeoutMs }),
});

/** Operators' services, whose answers may come encoded. */
const operatorService = <Definition extends ServiceDefinition>(definition: Definition): Definition =>
  sendingEncoded(tellingUnreadable(definition));

const operatorServices = ['lockstep.v1.EnrolmentService', 'lockstep.v1.FleetService', 'lockstep.v1.BuildService'];
const agentServices = ['lockstep.v1.AgentService', 'lockstep.v1.EnrolmentService'];

export interface ListeningPorts {
  readonly operatorPort: number;
  readonly agentPort: number;
}

/** Hands connections to a gRPC server; their TLS is the front's. */
function injectorOf(server: Server): (connection: Duplex) => void {
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return (connection) => {
    injector.injectConnection(connection);
  };
}

/**
 * The two TLS ports: operators', where only the server shows a certificate, and agents', where nodes show theirs. Who shows
 * none there is a stranger, who may enrol, and is given next to nothing.
 */
export class Servers {
  private readonly operator: Server;
  private readonly nodes: Server;
  private readonly strangers: Server;
  private readonly operatorFront: TlsFront;
  private readonly agentFront: TlsFront;
  /** All that show the control plane's certificate. */
  private readonly presenting: Presenting[];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly services: Services,
    readiness: PlaneReadiness,
  ) {
    const serverFor = (share: Share, identify: Identify, front: () => TlsFront): Server =>
      new Server({ ...optionsOf(share), interceptors: [letInKnown(identify, front, services)] });
    this.operator = serverFor(operatorsShare, identifyOperator(services), () => this.operatorFront);
    const identify = identifyAgent(services, new TurnedAway());
    this.nodes = serverFor(nodesShare, identify, () => this.agentFront);
    this.strangers = serverFor(strangersShare, identify, () => this.agentFront);
    const handlers = operatorHandlers(services);
    for (const server of [this.operator, this.nodes, this.strangers]) {
      server.addService(tellingUnreadable(EnrolmentServiceService), handlers.enrolment);
    }
    this.operator.addService(operatorService(FleetServiceService), handlers.fleet);
    this.operator.addService(operatorService(BuildServiceService), handlers.build);
    this.operator.addService(operatorService(AccessServiceService), handlers.access);
    this.operator.addService(operatorService(AuditServiceService), handlers.audit);
    this.operator.addService(operatorService(CampaignServiceService), handlers.campaigns);
    // A stranger who asks as a node is told what is missing.
    for (const server of [this.nodes, this.strangers])
      server.addService(tellingUnreadable(agentService), agentHandlers(services));
    const { log, calls } = services;
    const health = { readiness, log, calls };
    this.operator.addService(
      tellingUnreadable(HealthService),
      healthService({ ...health, services: operatorServices }),
    );
    for (const server of [this.nodes, this.strangers]) {
      server.addService(tellingUnreadable(HealthService), healthService({ ...health, services: agentServices }));
    }
    this.operatorFront = this.frontOfOperators();
    this.agentFront = this.frontOfAgents();
    this.presenting = [this.operatorFront, this.agentFront];
  }

  /** Another port that shows the control plane's certificate. */
  presentTo(port: Presenting): void {
    this.presenting.push(port);
  }

  async start(): Promise<ListeningPorts> {
    const ports = { operatorPort: await this.operatorFront.listen(), agentPort: await this.agentFront.listen() };
    this.services.authorities.onNews = () => {
      this.present();
    };
    // Meanwhile another control plane may have had a successor take over.
    this.present();
    this.timer = setInterval(() => {
      this.renewCertificate().catch((err: unknown) => {
        this.services.log.error({ err }, "cannot renew the control plane's own certificate");
      });
    }, lookAtCertificateEveryMs);
    return ports;
  }

  /** The ports show the control plane's certificate as it is now: connections that stand go on with theirs. */
  async renewCertificate(): Promise<void> {
    const { authority, log } = this.services;
    if (!(await authority.renewServer())) return;
    this.present();
    log.info("the control plane's own certificate was renewed");
  }

  private present(): void {
    const { server, trustedPem } = this.services.authority;
    for (const port of this.presenting) port.present(server, trustedPem);
  }

  /** Takes no more calls and ends those under way as `unavailable` `stopping`, which callers repeat. Always resolves. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    for (const front of [this.operatorFront, this.agentFront]) front.close();
    const servers = [this.operator, this.nodes, this.strangers];
    const closed = Promise.all(servers.map(closeServer));
    const comeBackWithinMs = returnWindowMs(this.services.sessions.size);
    const stopping = new LockstepError('unavailable', 'stopping', 'The control plane is stopping: ask again soon.', {
      [comeBackWithinField]: comeBackWithinMs,
    });
    this.services.calls.end('stream', stopping);
    if (await isDone(closed, finishWithinMs)) return;
    this.services.calls.end('unary', stopping);
    if (await isDone(closed, lastWordsWithinMs)) return;
    for (const server of servers) server.forceShutdown();
    if (await isDone(closed, cutWithinMs)) return;
    this.services.log.warn('connections that never ended are left behind');
  }

  private readonly onLimited = (limit: FrontLimit): void => {
    this.services.metrics.noteLimited(limit);
  };

  private frontOfOperators(): TlsFront {
    const { authority, config, log } = this.services;
    const take = injectorOf(this.operator);
    const place = { host: config.listenHost, port: config.operatorPort, variable: 'LOCKSTEP_OPERATOR_PORT' };
    return new TlsFront(
      { ...place, clientCa: authority.trustedPem, limits: operatorLimits, log, take, onLimited: this.onLimited },
      authority.server,
    );
  }

  private frontOfAgents(): TlsFront {
    const { authority, config, log } = this.services;
    const [takeNode, takeStranger] = [injectorOf(this.nodes), injectorOf(this.strangers)];
    const place = { host: config.listenHost, port: config.agentPort, variable: 'LOCKSTEP_AGENT_PORT' };
    const options = {
      ...place,
      clientCa: authority.trustedPem,
      limits: agentLimits,
      log,
      onLimited: this.onLimited,
    };
    const take = (connection: Duplex, { certificate }: Peer): void => {
      (certificate === undefined ? takeStranger : takeNode)(connection);
    };
    return new TlsFront({ ...options, take }, authority.server);
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.tryShutdown(() => {
      resolve();
    });
  });
}

function isDone(work: Promise<unknown>, withinMs: number): Promise<boolean> {
  return Promise.race([work.then(() => true), sleep(withinMs, false, { ref: false })]);
}
