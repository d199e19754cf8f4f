// SPDX-License-Identifier: GPL-2.0-only
import { openMonitoringPort, type MonitoringPort, type Registry } from '@lockstep/io/monitoring-port';
import type { Logger } from 'pino';
import type { ControlPlaneConfig } from '../config';
import { FleetGauges, type FleetGaugesParts } from './fleet-gauges';
import type { PlaneReadiness } from './plane-readiness';

export interface MonitoringParts {
  readonly config: Pick<ControlPlaneConfig, 'monitoringListen'>;
  readonly registry: Registry;
  readonly readiness: PlaneReadiness;
  readonly log: Logger;
}

export interface Monitoring extends MonitoringPort {
  /** There is a fleet to tell of. */
  watch(fleet: FleetGaugesParts): void;
}

/** Open from the first moment of a start to the last of a stop, which it tells apart; undefined where it is off. */
export async function openMonitoring(parts: MonitoringParts): Promise<Monitoring | undefined> {
  const { config, registry, readiness, log } = parts;
  if (config.monitoringListen === undefined) return undefined;
  let fleet: FleetGauges | undefined;
  const port = await openMonitoringPort({
    listen: config.monitoringListen,
    variable: 'LOCKSTEP_MONITORING_LISTEN',
    registry,
    notReadyBecause: () => readiness.notReadyBecause,
    beforeScrape: () => fleet?.collect(Date.now()),
    onError: (err) => {
      log.error({ err }, 'the monitoring port failed');
    },
  });
  return {
    ...port,
    watch: (seen) => {
      fleet = new FleetGauges(registry, seen);
    },
  };
}
