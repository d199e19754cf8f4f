// SPDX-License-Identifier: GPL-2.0-only
import { openMonitoringPort, Registry, type MonitoringPort } from '@lockstep/io/monitoring-port';
import type { Logger } from 'pino';
import type { WorkerConfig } from './worker-config';
import { WorkerMetrics } from './worker-metrics';

/** A worker's metrics and health, and the port that tells them, where there is one. */
export class WorkerMonitoring {
  /** Sentences; ready if there is none. */
  notReadyBecause: readonly string[] = ['The worker is starting.'];
  private port: MonitoringPort | undefined;

  private constructor(readonly metrics: WorkerMetrics) {}

  /** @throws LockstepError `unavailable` `port-taken`. */
  static async open({ monitoringListen: listen }: WorkerConfig, log: Logger): Promise<WorkerMonitoring> {
    const registry = new Registry();
    const monitoring = new WorkerMonitoring(new WorkerMetrics(registry));
    if (listen === undefined) return monitoring;
    monitoring.port = await openMonitoringPort({
      ...{ listen, variable: 'LOCKSTEP_MONITORING_LISTEN', registry },
      notReadyBecause: () => monitoring.notReadyBecause,
      onError: (err) => {
        log.error({ err }, 'the monitoring port failed');
      },
    });
    log.info({ monitoringAddress: monitoring.port.address }, 'tells metrics');
    return monitoring;
  }

  async close(): Promise<void> {
    await this.port?.close();
  }
}
