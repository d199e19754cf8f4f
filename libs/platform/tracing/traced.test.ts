// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { activeTrace, isTracingWanted, traced, TraceMemory } from './index';

test.each([
  [{}, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: '' }, false],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' }, true],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://127.0.0.1:4318/v1/traces' }, true],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_SDK_DISABLED: 'true' }, false],
])('with %j tracing is wanted: %j', (env, wanted) => {
  expect(isTracingWanted(env)).toBe(wanted);
});

test('without tracing work is done as it is, and there is nothing to hand on', async () => {
  const memory = new TraceMemory();
  const answer = await traced('work', { parent: 'no trace at all', links: [undefined] }, async () => {
    memory.note('it');
    return [activeTrace(), memory.find('it')];
  });
  expect(answer).toEqual([undefined, undefined]);
  await expect(traced('work', {}, () => Promise.reject(new Error('it failed')))).rejects.toThrow('it failed');
});
