// SPDX-License-Identifier: GPL-2.0-only
import { TextInput } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { Link } from 'react-router';
import { answerOf, api } from '../api/client';
import { refreshMs } from '../api/queries';
import type { PatchMessage } from '../api/schemas';
import { Awaited } from '../display/awaited';
import { NothingHere } from '../display/nothing-here';
import { PageHead } from '../display/page-head';
import { Panel } from '../display/panel';
import { useUrlState } from '../display/url-state';
import { Ago } from '../time/ago';
import { SubmitPatch } from './submit-patch';
import './patches.css';

const mostShown = 1_000;
const readMask = 'name,id,description,author,cves,submittedAt,combines';

function Row({ patch }: { readonly patch: PatchMessage }): ReactElement {
  const { name = '', description, author, cves = [], submittedAt, combines = [] } = patch;
  return (
    <tr>
      <td>
        <Link to={`/patches/${encodeURIComponent(name)}`}>{name}</Link>
      </td>
      <td className="wrap-anywhere">
        {description}
        {combines.length > 0 && <span className="dim"> combines {combines.join(', ')}</span>}
      </td>
      <td>
        {cves.map((cve) => (
          <Link key={cve} className="cve-link" to={`/cves?cve=${cve}`}>
            {cve}
          </Link>
        ))}
      </td>
      <td>{author}</td>
      <td className="nowrap">
        <Ago at={submittedAt} />
      </td>
    </tr>
  );
}

export function PatchesPage(): ReactElement {
  const { values, set } = useUrlState(['name']);
  const query = useQuery({
    queryKey: ['patches', 'all'],
    queryFn: async ({ signal }) =>
      (
        (await answerOf(api.GET('/v1/patches', { signal, params: { query: { pageSize: mostShown, readMask } } })))
          .patches ?? []
      ).toReversed(),
    refetchInterval: refreshMs,
  });
  const isNamed = ({ name = '', description = '', cves = [] }: PatchMessage): boolean =>
    [name, description, ...cves].some((text) => text.toLowerCase().includes(values.name.toLowerCase()));
  return (
    <>
      <PageHead
        title="Patches"
        summary="Source diffs, each built for the kernels that are registered."
        actions={<SubmitPatch />}
      />
      <div className="filters" role="search" aria-label="Find a patch">
        <TextInput
          label="Name, description or CVE"
          value={values.name}
          onChange={({ currentTarget }) => {
            set({ name: currentTarget.value });
          }}
        />
      </div>
      <Panel title="Newest first" flush>
        <Awaited query={query}>
          {(patches) => {
            const shown = patches.filter(isNamed);
            return shown.length === 0 ? (
              <NothingHere title="There is no such patch.">
                Submit a diff, here or with <code>lockstep patch submit FILE --name NAME</code>.
              </NothingHere>
            ) : (
              <div className="rows-scroll">
                <table className="rows">
                  <thead>
                    <tr>
                      <th scope="col">Patch</th>
                      <th scope="col">What it does</th>
                      <th scope="col">CVEs</th>
                      <th scope="col">Author</th>
                      <th scope="col">Submitted</th>
                    </tr>
                  </thead>
                  <tbody>
                    {shown.map((patch) => (
                      <Row key={patch.id} patch={patch} />
                    ))}
                  </tbody>
                </table>
              </div>
            );
          }}
        </Awaited>
      </Panel>
    </>
  );
}
