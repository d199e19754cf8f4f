// SPDX-License-Identifier: GPL-2.0-only
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { Link, useParams } from 'react-router';
import { answerOf, api } from '../api/client';
import { refreshMs } from '../api/queries';
import type { PatchMessage } from '../api/schemas';
import { Awaited } from '../display/awaited';
import { PageHead } from '../display/page-head';
import { Panel } from '../display/panel';
import { useUrlState } from '../display/url-state';
import { Ago } from '../time/ago';
import { BuildsPanel } from './builds-panel';
import { CoveragePanel } from './coverage-panel';
import { DiffView } from './diff-view';
import { FunctionsPanel } from './functions-panel';
import './patches.css';

const textOf = (base64: string): string =>
  new TextDecoder().decode(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));

function Summary({ patch }: { readonly patch: PatchMessage }): ReactElement {
  return (
    <>
      {patch.author !== undefined && <span>{patch.author}</span>}
      <span>
        submitted <Ago at={patch.submittedAt} />
      </span>
      {(patch.cves ?? []).map((cve) => (
        <Link key={cve} to={`/cves?cve=${cve}`}>
          {cve}
        </Link>
      ))}
      <code title={patch.id}>{(patch.id ?? '').slice(0, 12)}</code>
    </>
  );
}

export function PatchPage(): ReactElement {
  const { name = '' } = useParams();
  const { values, set } = useUrlState(['log', 'provenance', 'build']);
  const query = useQuery({
    queryKey: ['patches', name],
    queryFn: async ({ signal }) =>
      answerOf(api.GET('/v1/patches/{patch}', { signal, params: { path: { patch: name } } })),
    refetchInterval: refreshMs,
  });
  const { data } = query;
  return (
    <>
      <PageHead
        title={name}
        within={{ title: 'Patches', to: '/patches' }}
        summary={data?.patch !== undefined && <Summary patch={data.patch} />}
        actions={<Link to={`/load-order?${new URLSearchParams({ draft: name })}`}>Try it on a load order</Link>}
      />
      <Awaited query={query}>
        {({ patch = {}, diff = '', builds = [] }) => (
          <div className="stacked">
            {patch.description !== undefined && <p>{patch.description}</p>}
            {patch.allowedTypeChanges !== undefined && (
              <p>
                Its author vouches for {(patch.allowedTypeChanges.types ?? []).join(', ')}:{' '}
                {patch.allowedTypeChanges.because}
              </p>
            )}
            {(patch.combines ?? []).length > 0 && <p>It combines {(patch.combines ?? []).join(', ')}.</p>}
            <div className="panels panels-two">
              <Panel title="Diff" flush>
                <DiffView diff={textOf(diff)} />
              </Panel>
              <div className="stacked">
                <BuildsPanel builds={builds} open={values} onOpen={set} />
                <CoveragePanel
                  patch={name}
                  kernels={new Set(builds.flatMap(({ kernelBuildId = '' }) => kernelBuildId))}
                />
                <FunctionsPanel
                  patch={name}
                  built={builds.filter(({ status }) => status === 'BUILD_STATUS_SUCCEEDED').length}
                  chosen={values.build}
                  onChoose={(build) => {
                    set({ build });
                  }}
                />
              </div>
            </div>
          </div>
        )}
      </Awaited>
    </>
  );
}
