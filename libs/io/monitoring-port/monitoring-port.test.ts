// SPDX-License-Identifier: GPL-2.0-only
import { afterEach, expect, test } from '@jest/globals';
import { Counter, listenAddressForm, openMonitoringPort, Registry, type MonitoringPort } from './index';

const open: MonitoringPort[] = [];

afterEach(async () => {
  for (const port of open.splice(0)) await port.close();
});

async function port(reasons: readonly string[] = [], registry = new Registry()): Promise<string> {
  const one = await openMonitoringPort({
    ...{ listen: { host: '127.0.0.1', port: 0 }, variable: 'LOCKSTEP_MONITORING_LISTEN', registry },
    notReadyBecause: () => reasons,
    onError: (error) => {
      throw error;
    },
  });
  open.push(one);
  return `http://${one.address}`;
}

test('tells its numbers in the form that Prometheus reads', async () => {
  const registry = new Registry();
  new Counter({ name: 'lockstep_test_total', help: 'A test.', registers: [registry] }).inc(3);
  const response = await fetch(`${await port([], registry)}/metrics`);
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const body = await response.text();
  expect(body).toContain('# TYPE lockstep_test_total counter\nlockstep_test_total 3\n');
  expect(body).toMatch(/^lockstep_event_loop_delay_seconds\{quantile="0.99"\} 0(\.\d+)?$/m);
  expect(body).toMatch(/^process_resident_memory_bytes \d+$/m);
});

test('is ready, or says why it is not; it lives either way', async () => {
  const ready = await fetch(`${await port()}/readyz`);
  expect([ready.status, await ready.json()]).toEqual([200, { ready: true, reasons: [] }]);
  const address = await port(['The database is away.']);
  const notReady = await fetch(`${address}/readyz`);
  expect([notReady.status, await notReady.json()]).toEqual([503, { ready: false, reasons: ['The database is away.'] }]);
  expect((await fetch(`${address}/healthz`)).status).toBe(200);
});

test('nothing else is there, and nothing can be changed', async () => {
  const address = await port();
  expect((await fetch(`${address}/`)).status).toBe(404);
  expect((await fetch(`${address}/metrics`, { method: 'POST' })).status).toBe(405);
});

test('a port that is taken is an error that says which setting to change', async () => {
  const taken = Number(new URL(await port()).port);
  const again = openMonitoringPort({
    ...{ listen: { host: '127.0.0.1', port: taken }, variable: 'LOCKSTEP_MONITORING_LISTEN', registry: new Registry() },
    notReadyBecause: () => [],
    onError: () => undefined,
  });
  await expect(again).rejects.toMatchObject({
    reason: 'port-taken',
    fields: { variable: 'LOCKSTEP_MONITORING_LISTEN' },
  });
});

test.each([
  ['127.0.0.1:7445', { host: '127.0.0.1', port: 7445 }],
  ['[::1]:0', { host: '::1', port: 0 }],
  ['off', undefined],
])('%s is an address', (text, address) => {
  expect(listenAddressForm.parse(text)).toEqual(address);
});

test.each(['', '7445', 'localhost', ':7445', '1.2.3.4:65536', 'a b:1', 'on'])('"%s" is none', (text) => {
  expect(listenAddressForm.safeParse(text).success).toBe(false);
});
