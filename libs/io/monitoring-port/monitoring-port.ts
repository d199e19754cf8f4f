// SPDX-License-Identifier: GPL-2.0-only
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { collectDefaultMetrics, Gauge, type Registry } from 'prom-client';
import { addressText, type ListenAddress } from './listen-address';

/** Why a process cannot do its work now, as sentences; ready if there is none. */
export type Readiness = () => readonly string[];

export interface MonitoringPortOptions {
  readonly listen: ListenAddress;
  /** The setting that names `listen`, for errors. */
  readonly variable: string;
  readonly registry: Registry;
  readonly notReadyBecause: Readiness;
  /** Brings up to date what is not counted where it happens. */
  readonly beforeScrape?: () => void;
  readonly onError: (error: unknown) => void;
}

export interface MonitoringPort {
  /** host:port, with the port that it got. */
  readonly address: string;
  close(): Promise<void>;
}

/** Far more than scrape a process; each costs memory. */
const mostConnections = 64;
/** The loop is looked at this often, so a shorter stop may pass unseen. */
const loopResolutionMs = 10;

interface Answer {
  readonly code: number;
  readonly type: string;
  readonly body: string;
}

const text = (code: number, body: string): Answer => ({ code, type: 'text/plain; charset=utf-8', body: `${body}\n` });

function readinessAnswer(reasons: readonly string[]): Answer {
  const body = JSON.stringify({ ready: reasons.length === 0, reasons });
  return { code: reasons.length === 0 ? 200 : 503, type: 'application/json', body: `${body}\n` };
}

async function answer(
  { method, url = '' }: IncomingMessage,
  { registry, notReadyBecause, beforeScrape }: MonitoringPortOptions,
): Promise<Answer> {
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'Only GET.');
  const [path = ''] = url.split('?');
  switch (path) {
    case '/metrics':
      beforeScrape?.();
      return { code: 200, type: registry.contentType, body: await registry.metrics() };
    case '/healthz':
      return text(200, 'ok');
    case '/readyz':
      return readinessAnswer(notReadyBecause());
    default:
      return text(404, 'There is /metrics, /healthz and /readyz.');
  }
}

function send(response: ServerResponse, { code, type, body }: Answer): void {
  response.writeHead(code, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
}

/** How late the event loop was since the last scrape: what holds it up holds up every stream. */
function measureEventLoop(registry: Registry): IntervalHistogram {
  const delay = monitorEventLoopDelay({ resolution: loopResolutionMs });
  const seconds = (ns: number): number => (Number.isFinite(ns) ? Math.max(0, ns / 1e9 - loopResolutionMs / 1e3) : 0);
  new Gauge({
    name: 'lockstep_event_loop_delay_seconds',
    help: 'How late the event loop was since the last scrape, beyond the time it was asked to wait.',
    labelNames: ['quantile'],
    registers: [registry],
    collect() {
      this.set({ quantile: '0.5' }, seconds(delay.percentile(50)));
      this.set({ quantile: '0.99' }, seconds(delay.percentile(99)));
      this.set({ quantile: '1' }, seconds(delay.max));
      delay.reset();
    },
  });
  delay.enable();
  return delay;
}

function listenOn(server: Server, { listen, variable }: MonitoringPortOptions): Promise<string> {
  const { host, port } = listen;
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const address = addressText(listen);
      const message = `Cannot listen on ${address} for monitoring: ${cause.message}. Another program may have the port: set ${variable}, or ${variable}=off.`;
      reject(new LockstepError('unavailable', 'port-taken', message, { address, variable }, { cause }));
    });
    server.listen(port, host, () => {
      resolve(addressText({ host, port: (server.address() as AddressInfo).port }));
    });
  });
}

/**
 * A process's port for monitoring systems, plain HTTP: `/metrics` (Prometheus), `/healthz` (it lives), `/readyz` (it can do its
 * work, or why not). Whoever reaches it can read numbers and change nothing.
 * @throws LockstepError `unavailable` `port-taken`.
 */
export async function openMonitoringPort(options: MonitoringPortOptions): Promise<MonitoringPort> {
  const { registry, onError } = options;
  const server = createServer((request, response) => {
    answer(request, options).then(
      (found) => {
        send(response, found);
      },
      (error: unknown) => {
        onError(error);
        send(response, text(500, 'The metrics could not be collected; the log has the reason.'));
      },
    );
  });
  server.maxConnections = mostConnections;
  const address = await listenOn(server, options);
  server.on('error', onError);
  collectDefaultMetrics({ register: registry });
  const delay = measureEventLoop(registry);
  return {
    address,
    close: () =>
      new Promise((resolve) => {
        delay.disable();
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}
