// SPDX-License-Identifier: GPL-2.0-only
import type { LogEntry } from '@lockstep/domain/load-order';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { NothingHere } from '../display/nothing-here';
import { Panel } from '../display/panel';
import { StateMark } from '../display/state-mark';
import type { StateWord } from '../display/tones';
import type { Order } from './order';
import { verifyOrder, type OrderVerdict } from './verify-order';

const whole: StateWord = { tone: 'good', icon: 'link', word: 'chain whole, hashed again by this page' };
const signed: StateWord = { tone: 'good', icon: 'key', word: 'each entry signed by the key of its place' };
const unknown: StateWord = { tone: 'idle', icon: 'key', word: 'signatures: this browser cannot check them' };

const signatureState = (unsignedAt: OrderVerdict['unsignedAt']): StateWord => {
  if (unsignedAt === 'unknown') return unknown;
  return unsignedAt === undefined
    ? signed
    : { tone: 'bad', icon: 'key', word: `entry ${unsignedAt} is not signed by its key` };
};

function Verdict({ order }: { readonly order: Order }): ReactElement | null {
  const { data } = useQuery({
    queryKey: ['chain', order.cluster, order.kernelBuildId, order.entries.at(-1)?.hash],
    queryFn: () => verifyOrder(order),
    staleTime: Infinity,
  });
  if (data === undefined) return null;
  const { brokenAt, unsignedAt } = data;
  return (
    <span className="verdicts">
      <StateMark
        state={brokenAt === undefined ? whole : { tone: 'bad', icon: 'warning', word: `broken at ${brokenAt}` }}
      />
      <StateMark state={signatureState(unsignedAt)} />
    </span>
  );
}

function wordsOf({ body }: LogEntry): string {
  switch (body.kind) {
    case 'load':
      return `load ${body.artifact.patchName}`;
    case 'retire':
      return `retire ${body.retires}`;
    case 'rotate':
      return 'new log key';
  }
}

const modeOf = ({ body }: LogEntry): string =>
  body.kind === 'load' ? (body.consistency ?? 'the kernel’s own').replace('_', ' ') : '';

/** The log that all this comes of, newest first: what was appended, and how each entry holds on to the one before. */
export function Chain({ order }: { readonly order: Order }): ReactElement {
  return (
    <Panel title="The log" flush aside={order.entries.length > 0 && <Verdict order={order} />}>
      {order.entries.length === 0 ? (
        <NothingHere title="It has no entry yet." />
      ) : (
        <div className="rows-scroll">
          <table className="rows">
            <thead>
              <tr>
                <th scope="col">Seq</th>
                <th scope="col">Entry</th>
                <th scope="col">May shadow</th>
                <th scope="col">Built onto</th>
                <th scope="col">Switched</th>
                <th scope="col">Hash</th>
                <th scope="col">Of the one before</th>
              </tr>
            </thead>
            <tbody>
              {order.entries.toReversed().map((entry) => (
                <tr key={entry.seq}>
                  <td>{entry.seq}</td>
                  <td>{wordsOf(entry)}</td>
                  <td>{entry.body.kind === 'load' ? entry.body.overrides.join(', ') : ''}</td>
                  <td>{entry.body.kind === 'load' ? entry.body.builtOnto.join(', ') : ''}</td>
                  <td>{modeOf(entry)}</td>
                  <td>
                    <code title={entry.hash}>{entry.hash.slice(0, 12)}</code>
                  </td>
                  <td>
                    <code className="dim" title={entry.previousHash}>
                      {entry.previousHash.slice(0, 12)}
                    </code>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
