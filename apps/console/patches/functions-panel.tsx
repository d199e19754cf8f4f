// SPDX-License-Identifier: GPL-2.0-only
import { NativeSelect } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { answerOf, api } from '../api/client';
import type { Schemas } from '../api/schemas';
import { Awaited } from '../display/awaited';
import { countWords } from '../display/counts';
import { NothingHere } from '../display/nothing-here';
import { Panel } from '../display/panel';

type Explained = Schemas['ExplainedBuild'];

const wordsOf = ({ build }: Explained): string => {
  const { kernelBuildId = '', builtOnto = [] } = build ?? {};
  return `for ${kernelBuildId.slice(0, 12)}${builtOnto.length > 0 ? ` onto ${builtOnto.join(', ')}` : ''}`;
};

function Functions({ explained }: { readonly explained: Explained }): ReactElement {
  return (
    <div className="rows-scroll">
      <table className="rows">
        <thead>
          <tr>
            <th scope="col">Function</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          {(explained.functions ?? []).map(({ function: fn, objectPath, reasons = [] }) => (
            <tr key={`${fn?.object ?? ''}:${fn?.name ?? ''},${fn?.sympos ?? 0}`}>
              <td>
                <code>{fn?.name}</code>
                <div className="dim">
                  <code>{objectPath}</code>
                </div>
              </td>
              <td className="wrap-anywhere">
                {reasons.map((reason) => (
                  <div key={reason}>{reason}</div>
                ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

export interface FunctionsPanelProps {
  readonly patch: string;
  /** How many of its builds have succeeded. */
  readonly built: number;
  /** A build's id; any other text: the first. */
  readonly chosen: string;
  readonly onChoose: (build: string) => void;
}

/** Which functions count as changed, and why: each build has its own. */
export function FunctionsPanel({ patch, built, chosen, onChoose }: FunctionsPanelProps): ReactElement {
  const query = useQuery({
    queryKey: ['explanation', patch, built],
    queryFn: async ({ signal }) =>
      (await answerOf(api.GET('/v1/patches/{patch}/explanation', { signal, params: { path: { patch } } }))).builds ??
      [],
    enabled: built > 0,
  });
  const explained = query.data?.find(({ build }) => build?.id === chosen) ?? query.data?.[0];
  const functions = explained?.functions ?? [];
  return (
    <Panel title="Functions changed" flush aside={functions.length > 0 && countWords(functions.length, 'function')}>
      {built > 1 && explained !== undefined && (
        <NativeSelect
          className="functions-of"
          aria-label="Of which build"
          value={explained.build?.id ?? ''}
          data={(query.data ?? []).map((each) => ({ value: each.build?.id ?? '', label: wordsOf(each) }))}
          onChange={({ currentTarget }) => {
            onChoose(currentTarget.value);
          }}
        />
      )}
      {built === 0 ? (
        <NothingHere title="Known when it is built." />
      ) : (
        <Awaited query={query}>{() => explained !== undefined && <Functions explained={explained} />}</Awaited>
      )}
    </Panel>
  );
}
