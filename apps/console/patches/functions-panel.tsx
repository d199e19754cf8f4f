// SPDX-License-Identifier: GPL-2.0-only
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { answerOf, api } from '../api/client';
import { Awaited } from '../display/awaited';
import { countWords } from '../display/counts';
import { NothingHere } from '../display/nothing-here';
import { Panel } from '../display/panel';

/** Which functions count as changed, and why. */
export function FunctionsPanel({ patch, built }: { readonly patch: string; readonly built: number }): ReactElement {
  const query = useQuery({
    queryKey: ['explanation', patch, built],
    queryFn: async ({ signal }) =>
      (await answerOf(api.GET('/v1/patches/{patch}/explanation', { signal, params: { path: { patch } } }))).builds ??
      [],
    enabled: built > 0,
  });
  const functions = query.data?.[0]?.functions ?? [];
  return (
    <Panel title="Functions changed" flush aside={functions.length > 0 && countWords(functions.length, 'function')}>
      {built === 0 ? (
        <NothingHere title="Known when it is built." />
      ) : (
        <Awaited query={query}>
          {() => (
            <table className="rows">
              <thead>
                <tr>
                  <th scope="col">Function</th>
                  <th scope="col">In</th>
                  <th scope="col">Why</th>
                </tr>
              </thead>
              <tbody>
                {functions.map(({ function: fn, objectPath, reasons = [] }) => (
                  <tr key={`${fn?.object ?? ''}:${fn?.name ?? ''},${fn?.sympos ?? 0}`}>
                    <td className="wrap-anywhere">
                      <code>{fn?.name}</code>
                    </td>
                    <td className="wrap-anywhere">
                      <code className="dim">{objectPath}</code>
                    </td>
                    <td className="wrap-anywhere">{reasons.join(' ')}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </Awaited>
      )}
    </Panel>
  );
}
