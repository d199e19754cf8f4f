// SPDX-License-Identifier: GPL-2.0-only
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { Link } from 'react-router';
import { answerOf, api } from '../api/client';
import type { Schemas } from '../api/schemas';
import { Awaited } from '../display/awaited';
import { countWords, numberWords } from '../display/counts';
import { NothingHere } from '../display/nothing-here';
import { PageHead } from '../display/page-head';
import { Panel } from '../display/panel';
import { ShareBar } from '../display/share-bar';
import { StateMark } from '../display/state-mark';
import type { StateWord } from '../display/tones';
import { useUrlState } from '../display/url-state';
import { Ago } from '../time/ago';
import './cves.css';

type Exposure = Schemas['CveExposure'];
type Group = Schemas['ExposureGroup'];
type State = NonNullable<Group['state']>;

const words: Readonly<Record<State, StateWord>> = {
  EXPOSURE_STATE_UNSPECIFIED: { tone: 'idle', icon: 'silent', word: 'not judged' },
  EXPOSURE_STATE_PATCHED: { tone: 'good', icon: 'check', word: 'fixed' },
  EXPOSURE_STATE_IN_BETWEEN: { tone: 'warn', icon: 'moving', word: 'in between' },
  EXPOSURE_STATE_EXPOSED: { tone: 'bad', icon: 'warning', word: 'exposed' },
  EXPOSURE_STATE_UNKNOWN: { tone: 'idle', icon: 'silent', word: 'not known' },
};

const states = Object.keys(words) as State[];
const wordOf = ({ state }: Group): StateWord => words[state ?? 'EXPOSURE_STATE_UNSPECIFIED'];

/** Nodes of a CVE by what their kernels show. */
const countsOf = ({ groups = [] }: Exposure) =>
  states.flatMap((state) => {
    const count = groups
      .filter((group) => (group.state ?? 'EXPOSURE_STATE_UNSPECIFIED') === state)
      .reduce((sum, { nodes = [] }) => sum + nodes.length, 0);
    return count === 0 ? [] : [{ ...words[state], count }];
  });

const mostNamed = 12;

function Detail({
  exposure,
  nodes,
}: {
  readonly exposure: Exposure;
  readonly nodes: readonly Schemas['ObservedNode'][];
}): ReactElement {
  const { cve = '', fixes = [], groups = [] } = exposure;
  return (
    <Panel title={cve} aside={<Link to={`/nodes?${new URLSearchParams({ cve })}`}>Nodes without its fix</Link>}>
      <p>
        Fixed by{' '}
        {fixes.map(({ patchName = '', kernelBuildIds = [] }, index) => (
          <span key={patchName}>
            {index > 0 && ', '}
            <Link to={`/patches/${encodeURIComponent(patchName)}`}>{patchName}</Link> for{' '}
            {countWords(kernelBuildIds.length, 'kernel')}
          </span>
        ))}
        .
      </p>
      <ul className="exposure-groups">
        {groups.map((group) => {
          const named = (group.nodes ?? []).map((at) => nodes[at]?.name ?? '');
          return (
            <li key={`${group.state ?? ''} ${group.reason ?? ''} ${group.moduleName ?? ''}`}>
              <div className="exposure-head">
                <StateMark state={wordOf(group)} /> {countWords(named.length, 'node')}
              </div>
              <p>{group.message}</p>
              <p className="exposure-nodes">
                {named.slice(0, mostNamed).map((name) => (
                  <Link key={name} to={`/nodes/${encodeURIComponent(name)}`}>
                    {name}
                  </Link>
                ))}
                {named.length > mostNamed && (
                  <span className="dim">and {numberWords(named.length - mostNamed)} more</span>
                )}
              </p>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

/** Which nodes run the fixes of CVEs, by what their kernels show. */
export function CvesPage(): ReactElement {
  const { values, set } = useUrlState(['cve']);
  const query = useQuery({
    queryKey: ['exposure'],
    queryFn: async ({ signal }) => answerOf(api.GET('/v1/exposure', { signal })),
    refetchInterval: 15_000,
  });
  const { data } = query;
  return (
    <>
      <PageHead
        title="CVEs"
        summary={
          data !== undefined && (
            <span>
              By what kernels show, not by what was sent. Judged <Ago at={data.judgedAt} />.
            </span>
          )
        }
      />
      <Awaited query={query}>
        {({ cves = [], nodes = [] }) => {
          const chosen = cves.find(({ cve }) => cve === values.cve) ?? cves[0];
          return cves.length === 0 ? (
            <NothingHere title="No patch names a CVE.">
              <code>lockstep patch submit --cve</code> says which one a patch fixes.
            </NothingHere>
          ) : (
            <div className="panels panels-two">
              <Panel title={countWords(cves.length, 'CVE')} flush>
                <table className="rows">
                  <thead>
                    <tr>
                      <th scope="col">CVE</th>
                      <th scope="col">Nodes</th>
                      <th scope="col">
                        <span className="visually-hidden">Share</span>
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {cves.map((exposure) => {
                      const counts = countsOf(exposure);
                      return (
                        <tr key={exposure.cve}>
                          <td>
                            <button
                              type="button"
                              className="text-button"
                              aria-pressed={exposure === chosen}
                              onClick={() => {
                                set({ cve: exposure.cve ?? '' });
                              }}
                            >
                              {exposure.cve}
                            </button>
                          </td>
                          <td>
                            {counts.map(({ word, tone, count }) => (
                              <span key={word} className={`state-count tone-${tone}`}>
                                {numberWords(count)} {word}
                              </span>
                            ))}
                          </td>
                          <td className="exposure-share">
                            <ShareBar parts={counts} of={nodes.length} />
                          </td>
                        </tr>
                      );
                    })}
                  </tbody>
                </table>
              </Panel>
              {chosen !== undefined && <Detail exposure={chosen} nodes={nodes} />}
            </div>
          );
        }}
      </Awaited>
    </>
  );
}
