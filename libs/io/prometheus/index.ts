// SPDX-License-Identifier: GPL-2.0-only
export { askPrometheus, parsePrometheusUrl, type MetricAnswer } from './ask-prometheus';
