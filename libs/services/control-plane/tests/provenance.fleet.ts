// SPDX-License-Identifier: GPL-2.0-only
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { withBuildRecord } from '@lockstep/domain/build-record';
import { parseSha256 } from '@lockstep/domain/livepatch-model';
import { openArtifactStore, readWhole, type ArtifactStore } from '@lockstep/io/artifact-store';
import type { JobHandler } from '@lockstep/io/job-queue';
import { sha256OfBytes } from '@lockstep/platform/runtime';
import { TestPlane } from './test-plane';

let plane: TestPlane;
let store: ArtifactStore;

const configSha256 = parseSha256('c0'.repeat(32));

/** Records in each module what it was built from. */
const recordingWorker: JobHandler = async (job, context) => {
  const result = await plane.honestWorker(job, context);
  if (job.kind !== 'build' || result.kind !== 'build') return result;
  const { artifact } = result;
  const [diff] = job.diffs.map((each) => Buffer.from(each.diff, 'base64'));
  const recorded = withBuildRecord(await readWhole(store, artifact.sha256), {
    ...{ module: artifact.moduleName, patch: job.patch, kernelBuild: job.kernelBuild, release: '6.1.0-test' },
    ...{ diffs: [{ name: job.patchName, sha256: sha256OfBytes(diff!) }], onto: [], configSha256 },
    ...{ compiler: 'gcc 12', builderVersion: '0.0.1' },
  });
  return { ...result, artifact: { ...artifact, ...(await store.put(recorded)) } };
};

beforeAll(async () => {
  plane = await TestPlane.start();
  store = await openArtifactStore(plane.config.artifactDir);
  await plane.work(recordingWorker);
  await plane.addKernel();
});
afterAll(() => plane.stop());

const told = (buildId: string) => plane.operator.build.getProvenance({ buildId });

test('what a module was built from is told as the module itself records it', async () => {
  const id = await plane.build('recorded', 'fn_recorded');
  const { record, signed, provenance, billOfMaterials } = await told(id);
  const diff = { name: 'recorded', sha256: sha256OfBytes(Buffer.from('fn_recorded')) };
  expect(record).toEqual({
    ...{ diffs: [diff], onto: [], kernelRelease: '6.1.0-test', configSha256, compiler: 'gcc 12' },
    builderVersion: '0.0.1',
  });
  expect(signed).toBe(false);
  const { build } = await plane.operator.build.getBuild({ id });
  const { sha256 = '' } = build?.artifact ?? {};
  expect(JSON.parse(provenance)).toMatchObject({
    predicateType: 'https://slsa.dev/provenance/v1',
    subject: [{ name: 'lockstep_recorded.ko', digest: { sha256 } }],
  });
  expect(JSON.parse(billOfMaterials)).toMatchObject({ bomFormat: 'CycloneDX' });
  await rm(path.join(plane.config.artifactDir, sha256.slice(0, 2), `${sha256}.ko`));
  await expect(told(id)).rejects.toMatchObject({ reason: 'artifact-missing' });
});

test('where nothing is recorded nothing is claimed', async () => {
  await plane.stopWorkers();
  await plane.work(plane.honestWorker);
  const id = await plane.build('unrecorded', 'fn_unrecorded');
  expect(await told(id)).toEqual({ record: undefined, provenance: '', billOfMaterials: '', signed: false });
});

test('a build that has not succeeded has no module, and so no record', async () => {
  await plane.stopWorkers();
  await plane.work((job, context) =>
    job.kind === 'build' && job.patchName === 'failing'
      ? Promise.reject(new Error('it cannot be built'))
      : plane.honestWorker(job, context),
  );
  const id = await plane.build('failing', 'fn_failing');
  await expect(told(id)).rejects.toMatchObject({ kind: 'refused', reason: 'not-built' });
});
