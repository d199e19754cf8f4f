// SPDX-License-Identifier: GPL-2.0-only
import {
  HealthCheckResponse_ServingStatus as ServingStatus,
  type HealthCheckRequest,
  type HealthCheckResponse,
  type HealthServer,
} from '@lockstep/contracts/generated/health';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { Logger } from 'pino';
import type { PlaneReadiness } from '../monitoring/plane-readiness';
import { serverStream, unary } from './call-route';
import type { OpenCalls } from './open-calls';

export interface HealthParts {
  readonly readiness: PlaneReadiness;
  readonly log: Logger;
  readonly calls: OpenCalls;
  /** Full names of the services on this port. */
  readonly services: readonly string[];
}

/** Resolves when the readiness may have changed, or the watcher is gone. */
function nextChange(readiness: PlaneReadiness, signal: AbortSignal): { happened: Promise<void>; forget: () => void } {
  let wake = (): void => undefined;
  const happened = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const unlisten = readiness.listen(wake);
  signal.addEventListener('abort', wake, { once: true });
  const forget = (): void => {
    unlisten();
    signal.removeEventListener('abort', wake);
  };
  return { happened, forget };
}

/** `grpc.health.v1.Health`, without a token: it tells no more than whether calls are answered. */
export function healthService({ readiness, log, calls, services }: HealthParts): HealthServer {
  const parts = { log, calls };
  const isServed = (service: string): boolean => service === '' || services.includes(service);
  const status = (service: string): ServingStatus => {
    if (!isServed(service)) return ServingStatus.SERVICE_UNKNOWN;
    return readiness.isReady ? ServingStatus.SERVING : ServingStatus.NOT_SERVING;
  };
  async function* watch({ service }: HealthCheckRequest, signal: AbortSignal): AsyncGenerator<HealthCheckResponse> {
    let told: ServingStatus | undefined;
    while (!signal.aborted) {
      const change = nextChange(readiness, signal);
      try {
        const now = status(service);
        if (now !== told) yield { status: now };
        told = now;
        await change.happened;
      } finally {
        change.forget();
      }
    }
  }
  return {
    check: unary(parts, (request: HealthCheckRequest) => {
      const { service } = request;
      if (isServed(service)) return Promise.resolve({ status: status(service) });
      const message = `There is no service "${service}" on this port: ${services.join(', ')}.`;
      return Promise.reject(new LockstepError('not-found', 'unknown-service', message, { service }));
    }),
    watch: serverStream(parts, (request: HealthCheckRequest, { signal }) => watch(request, signal)),
  };
}
