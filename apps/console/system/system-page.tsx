// SPDX-License-Identifier: GPL-2.0-only
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { Link } from 'react-router';
import { answerOf, api } from '../api/client';
import { refreshMs } from '../api/queries';
import type { BuildStatus } from '../api/schemas';
import { Awaited } from '../display/awaited';
import { countWords } from '../display/counts';
import { NothingHere } from '../display/nothing-here';
import { PageHead } from '../display/page-head';
import { Panel } from '../display/panel';
import { StateMark } from '../display/state-mark';
import { buildWord } from '../display/tones';
import { Ago } from '../time/ago';
import { Foundations } from './foundations';
import { LogKeys } from './log-keys';
import './system.css';

const mebibyte = 2 ** 20;

function Kernels(): ReactElement {
  const query = useQuery({
    queryKey: ['kernels'],
    queryFn: async ({ signal }) => (await answerOf(api.GET('/v1/kernels', { signal }))).kernelBuilds ?? [],
    refetchInterval: refreshMs,
  });
  return (
    <Panel title="Kernel builds" flush>
      <Awaited query={query}>
        {(kernels) =>
          kernels.length === 0 ? (
            <NothingHere title="No kernel is registered.">
              <code>lockstep kernel add DIR</code> registers one.
            </NothingHere>
          ) : (
            <div className="rows-scroll">
              <table className="rows">
                <thead>
                  <tr>
                    <th scope="col">Release</th>
                    <th scope="col">Build id</th>
                    <th scope="col">Compiler</th>
                    <th scope="col">Copy in the store</th>
                    <th scope="col">Added</th>
                  </tr>
                </thead>
                <tbody>
                  {kernels.map(({ id, release, compiler, sharedBytes = 0, addedAt }) => (
                    <tr key={id}>
                      <td>{release}</td>
                      <td>
                        <code title={id}>{(id ?? '').slice(0, 12)}</code>
                      </td>
                      <td>{compiler}</td>
                      <td>
                        {sharedBytes === 0 ? (
                          <span className="dim">none</span>
                        ) : (
                          `${Math.round(sharedBytes / mebibyte)} MB`
                        )}
                      </td>
                      <td>
                        <Ago at={addedAt} />
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Awaited>
    </Panel>
  );
}

function Builds({
  title,
  status,
  nothing,
}: {
  readonly title: string;
  readonly status: BuildStatus;
  readonly nothing: string;
}): ReactElement {
  const query = useQuery({
    queryKey: ['builds', status],
    queryFn: async ({ signal }) =>
      (await answerOf(api.GET('/v1/builds', { signal, params: { query: { status, pageSize: 100 } } }))).builds ?? [],
    refetchInterval: refreshMs,
  });
  return (
    <Panel title={title} flush aside={query.data !== undefined && countWords(query.data.length, 'build')}>
      <Awaited query={query}>
        {(builds) =>
          builds.length === 0 ? (
            <NothingHere title={nothing} />
          ) : (
            <table className="rows">
              <tbody>
                {builds.map(({ id = '', patchName = '', status: now, queuedAt, attempts = 0 }) => (
                  <tr key={id}>
                    <td>
                      <Link to={`/patches/${encodeURIComponent(patchName)}?log=${id}`}>{patchName}</Link>
                    </td>
                    <td>
                      <StateMark state={buildWord(now)} />
                    </td>
                    <td>
                      queued <Ago at={queuedAt} />
                    </td>
                    <td className="dim">{attempts > 1 && `taken ${attempts} times`}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Awaited>
    </Panel>
  );
}

function Webhooks(): ReactElement {
  const query = useQuery({
    queryKey: ['webhooks'],
    queryFn: async ({ signal }) => (await answerOf(api.GET('/v1/webhooks', { signal }))).webhooks ?? [],
    refetchInterval: refreshMs,
  });
  return (
    <Panel title="Webhooks" flush>
      <Awaited query={query}>
        {(webhooks) =>
          webhooks.length === 0 ? (
            <NothingHere title="Nobody else is told of events.">
              <code>lockstep webhook add</code> tells an endpoint of yours.
            </NothingHere>
          ) : (
            <table className="rows">
              <thead>
                <tr>
                  <th scope="col">Name</th>
                  <th scope="col">Endpoint</th>
                  <th scope="col">Told of</th>
                  <th scope="col">Last taken</th>
                </tr>
              </thead>
              <tbody>
                {webhooks.map(({ name, url, types = [], takenAt, disabled, outcome }) => (
                  <tr key={name}>
                    <td>{name}</td>
                    <td className="wrap-anywhere">{url}</td>
                    <td>{types.length === 0 ? 'everything' : types.join(', ')}</td>
                    <td>
                      {disabled === undefined ? (
                        <>
                          <Ago at={takenAt} /> <span className="dim">{outcome}</span>
                        </>
                      ) : (
                        <StateMark state={{ tone: 'bad', icon: 'cross', word: disabled }} />
                      )}
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          )
        }
      </Awaited>
    </Panel>
  );
}

/** What Lockstep itself stands on: kernels, the builds that wait for workers, who else is told. */
export function SystemPage(): ReactElement {
  return (
    <>
      <PageHead title="System" summary="What Lockstep stands on, workers’ work, keys, and who is told of events." />
      <div className="stacked">
        <Foundations />
        <div className="panels panels-two">
          <div className="stacked">
            <Kernels />
            <LogKeys />
            <Webhooks />
          </div>
          <div className="stacked">
            <Builds title="Under way" status="BUILD_STATUS_RUNNING" nothing="No worker builds anything." />
            <Builds title="Waiting for a worker" status="BUILD_STATUS_QUEUED" nothing="No build waits." />
            <Builds title="Failed" status="BUILD_STATUS_FAILED" nothing="No build has failed." />
          </div>
        </div>
      </div>
    </>
  );
}
