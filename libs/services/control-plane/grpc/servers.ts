// SPDX-License-Identifier: GPL-2.0-only
import { setTimeout as sleep } from 'node:timers/promises';
import { Server, ServerCredentials, type ServerOptions } from '@grpc/grpc-js';
import {
  AccessServiceService,
  AuditServiceService,
  BuildServiceService,
  EnrolmentServiceService,
  FleetServiceService,
} from '@lockstep/contracts/generated';
import { HealthService } from '@lockstep/contracts/generated/health';
import { comeBackWithinField, maxMessageBytes } from '@lockstep/contracts/wire';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { identifyAgent, identifyOperator } from '../access/identify';
import { returnWindowMs } from '../agents/return-time';
import type { PlaneReadiness } from '../monitoring/plane-readiness';
import type { Services } from '../services';
import { agentHandlers } from './agent-handlers';
import { agentService } from './agent-service';
import { letInKnown, type Identify } from './callers';
import { healthService } from './health-service';
import { operatorHandlers } from './operator-handlers';

/** A node's machine that was switched off is noticed after these two together. */
const keepaliveTimeMs = 10_000;
const keepaliveTimeoutMs = 5_000;
/** When the server stops, streams are told so at once; what is short gets this long to finish. */
const finishWithinMs = 2_000;
/** How long last words take to leave, and connections that are cut off to go. */
const lastWordsWithinMs = 1_000;
const cutWithinMs = 1_000;

const serverOptions: ServerOptions = {
  'grpc.max_receive_message_length': maxMessageBytes,
  'grpc.max_send_message_length': maxMessageBytes,
  'grpc.keepalive_time_ms': keepaliveTimeMs,
  'grpc.keepalive_timeout_ms': keepaliveTimeoutMs,
  'grpc.keepalive_permit_without_calls': 1,
};

const operatorServices = ['lockstep.v1.EnrolmentService', 'lockstep.v1.FleetService', 'lockstep.v1.BuildService'];
const agentServices = ['lockstep.v1.AgentService'];

export interface ListeningPorts {
  readonly operatorPort: number;
  readonly agentPort: number;
}

interface Listening {
  readonly host: string;
  readonly port: number;
  readonly variable: string;
}

function bind(server: Server, { host, port, variable }: Listening, credentials: ServerCredentials): Promise<number> {
  const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return new Promise((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (error === null) {
        resolve(bound);
        return;
      }
      const message = `Cannot listen on ${address}: ${error.message} Another program may have the port: set ${variable}.`;
      reject(new LockstepError('unavailable', 'port-taken', message, { address, variable }, { cause: error }));
    });
  });
}

/** The two TLS ports: operators', where only the server shows a certificate, and agents', where both do. */
export class Servers {
  private readonly operator: Server;
  private readonly agent: Server;

  constructor(
    private readonly services: Services,
    readiness: PlaneReadiness,
  ) {
    const { log, calls } = services;
    const serverFor = (identify: Identify): Server =>
      new Server({ ...serverOptions, interceptors: [letInKnown(identify, services)] });
    this.operator = serverFor(identifyOperator(services));
    this.agent = serverFor(identifyAgent(services));
    const handlers = operatorHandlers(services);
    this.operator.addService(EnrolmentServiceService, handlers.enrolment);
    this.operator.addService(FleetServiceService, handlers.fleet);
    this.operator.addService(BuildServiceService, handlers.build);
    this.operator.addService(AccessServiceService, handlers.access);
    this.operator.addService(AuditServiceService, handlers.audit);
    this.agent.addService(agentService, agentHandlers(services));
    const health = { readiness, log, calls };
    this.operator.addService(HealthService, healthService({ ...health, services: operatorServices }));
    this.agent.addService(HealthService, healthService({ ...health, services: agentServices }));
  }

  async start(): Promise<ListeningPorts> {
    const { authority, config } = this.services;
    const { privateKeyPem, certificateChainPem } = authority.server;
    const pair = [{ private_key: Buffer.from(privateKeyPem), cert_chain: Buffer.from(certificateChainPem) }];
    const ca = Buffer.from(authority.certificatePem);
    const host = config.listenHost;
    const operatorPort = await bind(
      this.operator,
      { host, port: config.operatorPort, variable: 'LOCKSTEP_OPERATOR_PORT' },
      ServerCredentials.createSsl(null, pair, false),
    );
    const agentPort = await bind(
      this.agent,
      { host, port: config.agentPort, variable: 'LOCKSTEP_AGENT_PORT' },
      ServerCredentials.createSsl(ca, pair, true),
    );
    return { operatorPort, agentPort };
  }

  /**
   * Takes no more calls and ends those under way as `unavailable` `stopping`, which callers repeat. Always resolves:
   * a socket that never finished its handshake is no session that grpc-js could close, and goes with the process.
   */
  async stop(): Promise<void> {
    const servers = [this.operator, this.agent];
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
    this.services.log.warn('connections that never finished their handshake are left behind');
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
