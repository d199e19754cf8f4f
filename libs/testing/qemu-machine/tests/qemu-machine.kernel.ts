// SPDX-License-Identifier: GPL-2.0-only
import { access, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { buildLockstepKernel, hostAddressInGuest, QemuMachine } from '../index';

const root = resolve(__dirname, '../../../..');
const fetchInGuest = (url: string): string =>
  `node -e 'fetch("${url}").then((r) => r.text()).then(console.log, (e) => console.log(e.cause.code))'`;

let dir = '';
let machine: QemuMachine;
let server: Server;
let port = 0;

describe('a machine', () => {
  beforeAll(async () => {
    const { imageFile } = await buildLockstepKernel({ root, source: process.env['LOCKSTEP_KERNEL_SRC'] });
    dir = await mkdtemp(join(tmpdir(), 'lockstep-machine-'));
    server = createServer((request, response) => response.end(`host ${request.url ?? ''}`));
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    port = (server.address() as AddressInfo).port;
    machine = await QemuMachine.create({
      name: 'vm-1',
      kernelImage: imageFile,
      initFile: join(root, 'kernel-livepatch/qemu/init'),
      dir,
      hostPorts: [port],
      service: 'echo "service run $(cat /proc/uptime)"; sleep 2',
    });
    await machine.start();
    await machine.waitReady();
  }, 45 * 60_000);

  afterAll(async () => {
    await machine[Symbol.asyncDispose]();
    server.close();
    await rm(dir, { recursive: true, force: true });
  });

  test('is a livepatch kernel with the right name and time', async () => {
    expect(await machine.run('hostname; ls -d /sys/kernel/livepatch')).toBe('vm-1\n/sys/kernel/livepatch\n');
    const guestMs = Number(await machine.run('date +%s')) * 1000;
    expect(Math.abs(guestMs - Date.now())).toBeLessThan(60_000);
  });

  test('answers with status, output and errors, whole and in any order', async () => {
    const slow = machine.exec('sleep 2; echo slow');
    expect(await machine.exec('echo out; echo err >&2; exit 3')).toEqual({
      status: 3,
      stdout: 'out\n',
      stderr: 'err\n',
    });
    expect((await machine.run('head -c 300000 /dev/zero | base64 -w 0')).length).toBe(400_000);
    expect(await slow).toMatchObject({ stdout: 'slow\n' });
  });

  test('reaches the one port it was given, many times, and no other way out', async () => {
    const given = fetchInGuest(`http://${hostAddressInGuest}:${port}/x`);
    expect(await machine.run(`${given}; ${given}`)).toBe('host /x\nhost /x\n');
    expect(await machine.run(fetchInGuest(`http://10.0.2.2:${port}/`))).not.toContain('host');
  });

  test('cannot write to the host', async () => {
    await machine.run(`echo here > ${dir}/from-guest && cat ${dir}/from-guest`);
    await expect(access(join(dir, 'from-guest'))).rejects.toThrow();
    expect((await machine.exec('echo x > /run/machine/service')).status).not.toBe(0);
  });

  test('its service is started again when it ends', async () => {
    const runs = async (): Promise<number> => (await machine.consoleEnd(1000)).split('service run').length - 1;
    while ((await runs()) < 2) await new Promise((done) => setTimeout(done, 200));
  });

  test('keeps its state disk, and nothing else, through reset and power cut', async () => {
    await machine.run('echo kept > /var/lib/lockstep/file; echo lost > /tmp/file; sync');
    const bootId = machine.bootId;
    const unanswered = expect(machine.exec('sleep 1000')).rejects.toThrow();
    await machine.reset();
    await unanswered;
    expect(await machine.waitReady()).not.toBe(bootId);
    expect(await machine.run('cat /var/lib/lockstep/file; ls /tmp/file || true')).toBe('kept\n');
    await machine.powerOff();
    expect(machine.isRunning).toBe(false);
    await machine.start();
    expect(await machine.run('cat /var/lib/lockstep/file')).toBe('kept\n');
  }, 180_000);

  test('goes by the host’s time, also when the host had no time for it while it booted', async () => {
    await machine.powerOff();
    await machine.start();
    await standStillNowAndThen(machine.waitReady());
    expect(await machine.run('cat /sys/devices/system/clocksource/clocksource0/current_clocksource')).toBe('hpet\n');
    const first = await readClock();
    await sleep(5000);
    const second = await readClock();
    // Nobody knows when in its answer's time the guest looked.
    const [least, most] = [second.before - first.after, second.after - first.before];
    const passed = second.guestMs - first.guestMs;
    expect([passed > 0.98 * least, passed < 1.02 * most]).toEqual([true, true]);
  }, 300_000);
});

/** As on a host with more to do than it can. */
async function standStillNowAndThen(until: Promise<unknown>): Promise<void> {
  const pid = machine.processId;
  if (pid === undefined) throw new Error('the machine is off');
  const end = new AbortController();
  const over = until.finally(() => {
    end.abort();
  });
  while (!end.signal.aborted) {
    process.kill(pid, 'SIGSTOP');
    await sleep(60);
    process.kill(pid, 'SIGCONT');
    await sleep(30);
  }
  await over;
}

async function readClock(): Promise<{ before: number; guestMs: number; after: number }> {
  const before = Date.now();
  const guestMs = Number(await machine.run('date +%s%3N'));
  return { before, guestMs, after: Date.now() };
}
