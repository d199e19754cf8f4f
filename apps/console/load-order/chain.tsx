// SPDX-License-Identifier: GPL-2.0-only
import { encodeEntry, firstPreviousHash, type LogEntry } from '@lockstep/domain/load-order';
import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { NothingHere } from '../display/nothing-here';
import { Panel } from '../display/panel';
import { StateMark } from '../display/state-mark';
import type { Order } from './order';

const hexOf = (bytes: ArrayBuffer): string =>
  Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('');

async function hashOf(entry: LogEntry): Promise<string> {
  const bytes = new Uint8Array(encodeEntry(entry));
  return hexOf(await crypto.subtle.digest('SHA-256', bytes));
}

/** The first entry that is not what its hash says, or does not name the one before; undefined: the chain is whole. */
async function brokenAt(entries: readonly LogEntry[]): Promise<number | undefined> {
  let previous: string = firstPreviousHash;
  for (const entry of entries) {
    if (entry.previousHash !== previous || (await hashOf(entry)) !== entry.hash) return entry.seq;
    previous = entry.hash;
  }
  return undefined;
}

function Verdict({ order }: { readonly order: Order }): ReactElement | null {
  const { entries } = order;
  const { data } = useQuery({
    queryKey: ['chain', order.cluster, order.kernelBuildId, entries.at(-1)?.hash],
    queryFn: async () => ({ brokenAt: await brokenAt(entries) }),
    staleTime: Infinity,
  });
  if (data === undefined) return null;
  return data.brokenAt === undefined ? (
    <StateMark state={{ tone: 'good', icon: 'link', word: 'chain whole, hashed again by this page' }} />
  ) : (
    <StateMark state={{ tone: 'bad', icon: 'warning', word: `broken at ${data.brokenAt}` }} />
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
