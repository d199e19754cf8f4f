// SPDX-License-Identifier: GPL-2.0-only
import type {
  BuildRecord as WireBuildRecord,
  GetProvenanceRequest,
  GetProvenanceResponse,
} from '@lockstep/contracts/generated';
import { billOfMaterialsOf, provenanceOf, readBuildRecord, type BuildRecord } from '@lockstep/domain/build-record';
import { readBuildSignature, withoutModuleSignature } from '@lockstep/domain/klp-module';
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { readWhole } from '@lockstep/io/artifact-store';
import type { Uses } from '../services';

const recordToWire = ({ diffs, onto, release, configSha256, ...record }: BuildRecord): WireBuildRecord => ({
  ...{ diffs: [...diffs], onto: [...onto], kernelRelease: release, configSha256 },
  ...{ compiler: record.compiler, builderVersion: record.builderVersion },
});

/** Read from the module's own bytes. @throws LockstepError `refused` `not-built`; `artifact-missing`, `artifact-damaged` */
export async function getProvenance(
  { db, artifacts }: Uses<'db.builds' | 'artifacts'>,
  { buildId }: GetProvenanceRequest,
): Promise<GetProvenanceResponse> {
  const { artifact } = await db.builds.require(buildId);
  if (artifact === null) {
    const message = `Build ${buildId} has no module: it has not succeeded.`;
    throw new LockstepError('refused', 'not-built', message, { build: buildId });
  }
  const { sha256 } = artifact;
  const bytes = await readWhole(artifacts, sha256);
  const signature = readBuildSignature(bytes);
  const signed = signature !== null;
  const record = readBuildRecord(signature?.content ?? withoutModuleSignature(bytes));
  if (record === null) return { record: undefined, provenance: '', billOfMaterials: '', signed };
  return {
    record: recordToWire(record),
    provenance: JSON.stringify(provenanceOf(record, sha256)),
    billOfMaterials: JSON.stringify(billOfMaterialsOf(record, sha256)),
    signed,
  };
}
