// SPDX-License-Identifier: GPL-2.0-only
import type { Sha256 } from '@lockstep/domain/livepatch-model';
import type { BuildRecord, RecordedDiff } from './build-record';

const builder = 'https://lockstep.invalid/build-worker';
const buildType = 'https://lockstep.invalid/livepatch/v1';

const kernelUri = ({ release }: BuildRecord): string => `pkg:generic/linux@${encodeURIComponent(release)}`;

/**
 * An in-toto statement (v1) with a SLSA provenance predicate (v1): what the module was built from and by which builder.
 * @param sha256 of the module's file
 */
export function provenanceOf(record: BuildRecord, sha256: Sha256): object {
  const material = (kind: string) => (diff: RecordedDiff) => {
    return { name: diff.name, digest: { sha256: diff.sha256 }, annotations: { kind } };
  };
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: `${record.module}.ko`, digest: { sha256 } }],
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType,
        externalParameters: { patch: record.patch, kernelBuild: record.kernelBuild, module: record.module },
        internalParameters: { compiler: record.compiler, reproduced: record.reproduced === true },
        resolvedDependencies: [
          ...record.diffs.map(material('diff')),
          ...record.onto.map(material('below')),
          {
            uri: kernelUri(record),
            digest: { gnuBuildId: record.kernelBuild },
            annotations: { kind: 'kernel', configSha256: record.configSha256 },
          },
        ],
      },
      runDetails: { builder: { id: builder, version: { lockstep: record.builderVersion } } },
    },
  };
}

/** A CycloneDX 1.6 bill of materials: the module, the kernel that it is part of, the compiler, the diffs. */
export function billOfMaterialsOf(record: BuildRecord, sha256: Sha256): object {
  const [module, kernel, compiler] = [`module:${record.module}`, kernelUri(record), `compiler:${record.compiler}`];
  const patches = [...record.onto, ...record.diffs].map((diff) => {
    return { type: 'unofficial', diff: { text: { content: `sha256 ${diff.sha256} ${diff.name}`.trim() } } };
  });
  const version = /\d+(?:\.\d+)+/.exec(record.compiler)?.[0];
  return {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    // The same module has the same bill.
    serialNumber: `urn:uuid:${uuidOf(sha256)}`,
    version: 1,
    metadata: {
      tools: { components: [{ type: 'application', name: 'lockstep', version: record.builderVersion }] },
      component: {
        'bom-ref': module,
        type: 'library',
        name: record.module,
        version: record.patch,
        hashes: [{ alg: 'SHA-256', content: sha256 }],
        licenses: [{ license: { id: 'GPL-2.0-only' } }],
        pedigree: { ancestors: [{ type: 'operating-system', name: 'linux', version: record.release }], patches },
      },
    },
    components: [
      {
        'bom-ref': kernel,
        type: 'operating-system',
        name: 'linux',
        version: record.release,
        purl: kernel,
        licenses: [{ license: { id: 'GPL-2.0-only' } }],
        properties: [
          { name: 'lockstep:gnu-build-id', value: record.kernelBuild },
          { name: 'lockstep:config-sha256', value: record.configSha256 },
        ],
      },
      {
        'bom-ref': compiler,
        type: 'application',
        name: record.compiler,
        ...(version === undefined ? {} : { version }),
      },
    ],
    dependencies: [{ ref: module, dependsOn: [kernel, compiler] }],
  };
}

/** A name-based UUID (version 8) of a digest. */
function uuidOf(sha256: Sha256): string {
  const hex = `${sha256.slice(0, 12)}8${sha256.slice(13, 16)}8${sha256.slice(17, 32)}`;
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
