// SPDX-License-Identifier: GPL-2.0-only
import { expect, test } from '@jest/globals';
import { parseKernelBuildId, parseModuleName, parsePatchId, parseSha256 } from '@lockstep/domain/livepatch-model';
import fc from 'fast-check';
import { readBuildRecord, withBuildRecord, type BuildRecord } from './build-record';
import { billOfMaterialsOf, provenanceOf } from './provenance';

const record: BuildRecord = {
  module: parseModuleName('lockstep_fix'),
  patch: parsePatchId('11'.repeat(32)),
  diffs: [{ name: 'fix', sha256: parseSha256('22'.repeat(32)) }],
  onto: [{ name: 'below', sha256: parseSha256('33'.repeat(32)) }],
  kernelBuild: parseKernelBuildId('ab'.repeat(20)),
  release: '6.1.0-50-cloud-amd64',
  configSha256: parseSha256('44'.repeat(32)),
  compiler: 'gcc-12 (Debian 12.2.0-14) 12.2.0',
  builderVersion: '0.1.0',
};
const sha256 = parseSha256('55'.repeat(32));

test('a record is read back, in any module', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (module) => {
      expect(readBuildRecord(withBuildRecord(module, record))).toEqual(record);
      expect(readBuildRecord(module)).toBe(null);
    }),
  );
});

test('what is no record, or cut, is none', () => {
  const bytes = withBuildRecord(new Uint8Array(9), record);
  for (const from of [10, bytes.length - 40]) expect(readBuildRecord(bytes.subarray(from))).toBe(null);
  const other = { ...record, kernelBuild: 'x' as BuildRecord['kernelBuild'] };
  expect(readBuildRecord(withBuildRecord(new Uint8Array(9), other))).toBe(null);
});

test('the statement names the file, each diff, the kernel and the builder', () => {
  expect(provenanceOf(record, sha256)).toMatchObject({
    _type: 'https://in-toto.io/Statement/v1',
    predicateType: 'https://slsa.dev/provenance/v1',
    subject: [{ name: 'lockstep_fix.ko', digest: { sha256 } }],
    predicate: {
      buildDefinition: {
        internalParameters: { compiler: record.compiler },
        resolvedDependencies: [
          { name: 'fix', digest: { sha256: record.diffs[0]?.sha256 } },
          { name: 'below', digest: { sha256: record.onto[0]?.sha256 } },
          { uri: 'pkg:generic/linux@6.1.0-50-cloud-amd64', digest: { gnuBuildId: record.kernelBuild } },
        ],
      },
      runDetails: { builder: { version: { lockstep: '0.1.0' } } },
    },
  });
});

test('the bill names the module, the kernel and the compiler, and every reference is one of them', () => {
  const bill = billOfMaterialsOf(record, sha256) as {
    serialNumber: string;
    metadata: { component: { 'bom-ref': string; hashes: object[] } };
    components: { 'bom-ref': string }[];
    dependencies: { ref: string; dependsOn: string[] }[];
  };
  expect(bill).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.6', version: 1 });
  expect(bill.serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(bill.metadata.component.hashes).toEqual([{ alg: 'SHA-256', content: sha256 }]);
  const known = [bill.metadata.component, ...bill.components].map((one) => one['bom-ref']);
  expect(bill.dependencies.flatMap(({ ref, dependsOn }) => [ref, ...dependsOn]).sort()).toEqual(known.sort());
});
