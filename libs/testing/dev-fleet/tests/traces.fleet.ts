// SPDX-License-Identifier: GPL-2.0-only
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { kernelTestSetupMs } from '@lockstep/testing/qemu-machine';
import { startDevFleet, type DevFleet } from '../dev-fleet';
import { eventually } from '../eventually';
import { exampleDiff } from '../example-patches';
import { runLockstep } from '../lockstep-command';
import { startSpanReceiver, type ReceivedSpan, type SpanReceiver } from './span-receiver';

jest.setTimeout(600_000);

const patience = { withinMs: 100_000 };

let receiver: SpanReceiver;
let fleet: DevFleet;
let tracing: Record<string, string>;

beforeAll(async () => {
  receiver = await startSpanReceiver();
  tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_BSP_SCHEDULE_DELAY: '100' };
  fleet = await startDevFleet({ nodes: 1, queue: 'postgres', env: tracing });
  writeFileSync(path.join(fleet.folder, 'a.patch'), exampleDiff(fleet.release, ['a'], '1'));
}, kernelTestSetupMs);

afterAll(async () => {
  await fleet.stop();
  receiver.close();
});

async function lockstep(env: Record<string, string>, ...args: string[]): Promise<number> {
  return (await runLockstep(fleet.server.stateDir, args, env)).code;
}

const ofTrace = (traceId: string): ReceivedSpan[] => receiver.spans.filter((span) => span.traceId === traceId);

/** The spans from the named one up to what has no parent here: `service: name`. */
function pathUp(spans: readonly ReceivedSpan[], service: string, name: string): string[] {
  let span = spans.find((each) => each.service === `lockstep-${service}` && each.name === name);
  const up: string[] = [];
  while (span !== undefined) {
    up.push(`${span.service}: ${span.name}`);
    const { parentSpanId }: ReceivedSpan = span;
    span = spans.find(({ spanId }) => spanId === parentSpanId);
  }
  return up;
}

test('commands that name one trace are one, from the diff to the node that loads it', async () => {
  const traceId = 'ab'.repeat(16);
  const env = { ...tracing, TRACEPARENT: `00-${traceId}-${'cd'.repeat(8)}-01` };
  expect(await lockstep(env, 'patch', 'submit', path.join(fleet.folder, 'a.patch'), '--name', 'a', '--wait')).toBe(0);
  expect(await lockstep(env, 'order', 'append', 'a', '--cluster', 'dev')).toBe(0);
  expect(await lockstep(env, 'rollout', 'start', '--cluster', 'dev', '--wait')).toBe(0);
  await eventually(
    'the load is told',
    () => pathUp(ofTrace(traceId), 'agent', 'load').length > 0 || undefined,
    patience,
  );
  const spans = ofTrace(traceId);
  expect(pathUp(spans, 'build-worker', 'build')).toEqual([
    'lockstep-build-worker: build',
    'lockstep-control-plane: SubmitPatch',
    'lockstep-cli: lockstep patch submit',
  ]);
  expect(pathUp(spans, 'build-worker', 'wait for a worker: build')[1]).toBe('lockstep-control-plane: SubmitPatch');
  expect(pathUp(spans, 'agent', 'load')).toEqual([
    'lockstep-agent: load',
    'lockstep-control-plane: StartRollout',
    'lockstep-cli: lockstep rollout start',
  ]);
  const append = spans.find(({ name }) => name === 'AppendLoad');
  const submit = spans.find(({ name }) => name === 'SubmitPatch');
  const load = spans.find(({ name }) => name === 'load');
  // Who asks for each step by itself, in traces of their own, finds the one before by these.
  expect(append?.links).toEqual([`${traceId} ${submit?.spanId}`]);
  expect(load?.links).toEqual([`${traceId} ${append?.spanId}`]);
  expect(load?.attributes).toMatchObject({ 'lockstep.seq': '1' });
  expect(load?.attributes['lockstep.module']).toMatch(/^lockstep_a_/);
});

test('what is refused is an error of the call, and says why', async () => {
  const env = { ...tracing, TRACEPARENT: `00-${'12'.repeat(16)}-${'34'.repeat(8)}-01` };
  expect(await lockstep(env, 'patch', 'show', 'no-such-patch')).toBe(1);
  const refused = await eventually(
    'it is told',
    () => ofTrace('12'.repeat(16)).find(({ name }) => name === 'GetPatch'),
    patience,
  );
  expect([refused.isError, refused.attributes['lockstep.reason']]).toEqual([true, 'unknown-patch']);
});

test('a command without tracing sends nothing', async () => {
  const before = receiver.spans.length;
  expect(await lockstep({}, 'rollout', 'ls')).toBe(0);
  expect(receiver.spans.slice(before).filter(({ service }) => service === 'lockstep-cli')).toEqual([]);
});
