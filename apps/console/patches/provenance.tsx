// SPDX-License-Identifier: GPL-2.0-only
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { answerOf, api } from '../api/client';
import type { Schemas } from '../api/schemas';
import { Awaited } from '../display/awaited';

/** Handed over as a file. */
function save(name: string, json: string): void {
  const address = URL.createObjectURL(new Blob([json], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

function Diffs({ diffs }: { readonly diffs: readonly Schemas['RecordedDiff'][] }): ReactElement {
  return (
    <>
      {diffs.map(({ name, sha256 = '' }) => (
        <div key={`${name ?? ''} ${sha256}`}>
          {name} <code className="dim">{sha256}</code>
        </div>
      ))}
    </>
  );
}

function Told({ told, moduleName }: { readonly told: Schemas['GetProvenanceResponse']; readonly moduleName: string }) {
  const { record, provenance = '', billOfMaterials = '', signed } = told;
  if (record === undefined) return <p>Its module has no record of its build: an older version built it.</p>;
  const { diffs = [], onto = [], kernelRelease, configSha256, compiler, builderVersion } = record;
  return (
    <>
      <dl className="facts">
        <dt>Built from</dt>
        <dd>
          <Diffs diffs={diffs} />
        </dd>
        {onto.length > 0 && <dt>Onto</dt>}
        {onto.length > 0 && (
          <dd>
            <Diffs diffs={onto} />
          </dd>
        )}
        <dt>Kernel</dt>
        <dd>
          {kernelRelease}, its configuration <code className="dim">{configSha256}</code>
        </dd>
        <dt>Compiler</dt>
        <dd>{compiler}</dd>
        <dt>Builder</dt>
        <dd>Lockstep {builderVersion}</dd>
        <dt>Build key</dt>
        <dd>{signed === true ? 'signed; lockstep patch verify says by whose' : 'not signed by one'}</dd>
      </dl>
      <p className="provenance-files">
        <button
          type="button"
          className="text-button"
          onClick={() => {
            save(`${moduleName}.slsa.json`, provenance);
          }}
        >
          Save as SLSA provenance
        </button>
        <button
          type="button"
          className="text-button"
          onClick={() => {
            save(`${moduleName}.cdx.json`, billOfMaterials);
          }}
        >
          Save as a bill of materials (CycloneDX)
        </button>
      </p>
    </>
  );
}

/** What a build's module records of where it comes from. */
export function Provenance({
  build,
  moduleName,
}: {
  readonly build: string;
  readonly moduleName: string;
}): ReactElement {
  const query = useQuery({
    queryKey: ['provenance', build],
    queryFn: async ({ signal }) =>
      answerOf(api.GET('/v1/builds/{buildId}/provenance', { signal, params: { path: { buildId: build } } })),
    staleTime: Infinity,
  });
  return (
    <section className="provenance" aria-label={`Provenance of ${moduleName}`}>
      <Awaited query={query}>{(told) => <Told told={told} moduleName={moduleName} />}</Awaited>
    </section>
  );
}
