// SPDX-License-Identifier: GPL-2.0-only
import { askPrometheus } from '@lockstep/io/prometheus';
import type { ControlPlaneConfig } from '../config';
import type { AskMetrics } from './gate-watch';

/** Undefined where no Prometheus is known. */
export function metricsAsker({ prometheusUrl }: Pick<ControlPlaneConfig, 'prometheusUrl'>): AskMetrics | undefined {
  return prometheusUrl === undefined ? undefined : (query, signal) => askPrometheus(prometheusUrl, query, signal);
}
