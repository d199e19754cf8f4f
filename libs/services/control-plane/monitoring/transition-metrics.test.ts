// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { Consistency, NodeReport, NodeStatus, Transition } from '@lockstep/contracts/generated';
import { Registry } from '@lockstep/io/monitoring-port';
import { TransitionMetrics } from './transition-metrics';

const switched = Transition.fromPartial({
  ...{ moduleName: 'lockstep_fix', mode: Consistency.CONSISTENCY_SYSTEM, direction: 'patching', result: 'switched' },
  ...{ attempts: 1, windowLastNs: 42_000, elapsedMs: 700 },
});

const saying = (lastTransition: Transition | undefined, status = NodeStatus.NODE_STATUS_IN_STEP): NodeReport =>
  NodeReport.fromPartial({ status, ...(lastTransition === undefined ? {} : { lastTransition }) });

async function told(...reports: NodeReport[]): Promise<string[]> {
  const registry = new Registry();
  const metrics = new TransitionMetrics(registry);
  let before: NodeReport | undefined;
  for (const report of reports) {
    metrics.note(before, report);
    before = report;
  }
  return (await registry.metrics())
    .split('\n')
    .filter((line) => /_total|_sum|_count/.test(line) && !/^#| 0$/.test(line));
}

test('a switch is counted once, however often it is reported, with its duration and its stop', async () => {
  expect(await told(saying(undefined), saying(switched), saying(switched))).toEqual([
    'lockstep_transitions_total{mode="system",direction="patching",result="switched"} 1',
    'lockstep_transition_duration_seconds_sum{mode="system",direction="patching"} 0.7',
    'lockstep_transition_duration_seconds_count{mode="system",direction="patching"} 1',
    'lockstep_transition_stop_window_seconds_sum 0.000042',
    'lockstep_transition_stop_window_seconds_count 1',
  ]);
});

test('one that is under way is not counted; one that was taken back has no duration', async () => {
  const pending = { ...switched, result: 'pending' };
  const reversed = { ...switched, result: 'reversed', elapsedMs: 60_000 };
  const lines = await told(saying(pending), saying(reversed));
  expect(lines).toEqual(['lockstep_transitions_total{mode="system",direction="patching",result="reversed"} 1']);
});

test('what a node makes up is no series of its own', async () => {
  const madeUp = [
    saying({ ...switched, result: 'n1 was here' }),
    saying({ ...switched, direction: 'toString' }),
    saying(switched, NodeStatus.NODE_STATUS_IMPLAUSIBLE),
  ];
  expect(await told(...madeUp)).toEqual([]);
});
