// SPDX-License-Identifier: GPL-2.0-only
import type { MetricGate } from '@lockstep/domain/probes';

const mostGates = 20;

/** Why nothing can be decided by these gates; undefined if it can. */
export function refuseGates(gates: readonly MetricGate[]): string | undefined {
  if (gates.length > mostGates) return `Ask for at most ${mostGates} gates.`;
  const names = gates.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  return twice === undefined
    ? undefined
    : `There are two gates "${twice}": give one of them another name, as NAME=QUERY <= NUMBER.`;
}
