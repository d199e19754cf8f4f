// SPDX-License-Identifier: GPL-2.0-only
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import type { JobHandler } from '@lockstep/io/job-queue';
import { runLockstep } from '@lockstep/testing/dev-fleet';
import { openShakyLink, type ShakyLink } from '@lockstep/testing/local-servers';
import { eventually, TestPlane } from './test-plane';

jest.setTimeout(600_000);

// Answers that are longer than any message, and watches whose connection breaks, as the command shows them.

let plane: TestPlane;
let link: ShakyLink;
/** Lets the builds that wait go on. */
let goOn = (): void => undefined;
const told = new Promise<void>((resolve) => {
  goOn = resolve;
});

const lines = (count: number, text: (index: number) => string): string[] =>
  Array.from({ length: count }, (_, index) => text(index));
/** 18 MB in UTF-8, and a message is 16 MiB at most. */
const longLog = lines(3_000, (index) => `${index} ${'€'.repeat(1_990)}`);
const shortLog = lines(40, (index) => `line ${index} of the short one`);

/** Says what its patch is named for, and builds nothing. */
const talkingWorker: JobHandler = async (job, { log, ...rest }) => {
  if (job.kind !== 'build') return plane.honestWorker(job, { log, ...rest });
  if (job.patchName === 'talks-long') for (const line of longLog) log(line);
  if (job.patchName === 'talks-slowly') {
    for (const line of shortLog.slice(0, 20)) log(line);
    await told;
    for (const line of shortLog.slice(20)) log(line);
  }
  throw new LockstepError('refused', 'compile-failed', 'It says much and builds nothing.');
};

beforeAll(async () => {
  plane = await TestPlane.start();
  await plane.work(talkingWorker);
  await plane.addKernel();
  link = await openShakyLink(plane.endpoint.operatorAddress);
});
afterAll(async () => {
  await link.close();
  await plane.stop();
});

const lockstep = (...args: string[]) => runLockstep(plane.config.stateDir, args);

async function submit(name: string, diff: Buffer): Promise<string> {
  const file = path.join(plane.folder.path, `${name}.patch`);
  writeFileSync(file, diff);
  const { code, stdout, stderr } = await lockstep('patch', 'submit', file, '--json');
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  return (JSON.parse(stdout) as { builds: [{ id: string }] }).builds[0].id;
}

test('a log longer than a message is shown whole', async () => {
  const id = await submit('talks-long', Buffer.from('fn'));
  await lockstep('build', 'watch', id);
  const { code, stdout, stderr } = await lockstep('build', 'show', id, '--log', '--json');
  expect([code, stderr]).toEqual([0, '']);
  const { log } = JSON.parse(stdout) as { log: { text: string }[] };
  expect(log.map(({ text }) => text)).toEqual(longLog);
  const watched = await lockstep('build', 'watch', id, '--log');
  expect([watched.code, watched.stderr]).toEqual([1, '']);
  expect(watched.stdout.split('\n').filter((line) => line.includes('€'))).toHaveLength(longLog.length);
});

test('a diff of the largest size is shown whole', async () => {
  const diff = Buffer.alloc(8 * 1024 * 1024, 'a diff that is long\n');
  await submit('long-diff', diff);
  const { code, stdout, stderr } = await lockstep('patch', 'show', 'long-diff', '--json');
  expect([code, stderr]).toEqual([0, '']);
  expect((JSON.parse(stdout) as { diff: string }).diff).toBe(diff.toString());
});

test('a log that is followed over a broken connection says each line once', async () => {
  const id = await submit('talks-slowly', Buffer.from('fn'));
  await eventually(async () => {
    expect((await plane.operator.build.getBuild({ id })).logLines).toHaveLength(20);
  });
  const watching = lockstep('build', 'watch', id, '--log', '--server', link.address);
  // It has read what there is, and waits for more.
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  link.cut();
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  goOn();
  const { code, stdout } = await watching;
  expect(code).toBe(1);
  expect(stdout.split('\n').flatMap((line) => /line \d+ of the short one/.exec(line) ?? [])).toEqual(shortLog);
});
