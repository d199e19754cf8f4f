// SPDX-License-Identifier: GPL-2.0-only
export { Counter, Gauge, Histogram, Registry } from 'prom-client';
export { addressText, listenAddressForm, type ListenAddress } from './listen-address';
export { openMonitoringPort, type MonitoringPort, type Readiness } from './monitoring-port';
