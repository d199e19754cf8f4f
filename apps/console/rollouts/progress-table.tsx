// SPDX-License-Identifier: GPL-2.0-only
import { useState, type ReactElement } from 'react';
import { Link } from 'react-router';
import type { NodeProgress } from '../api/schemas';
import { NothingHere } from '../display/nothing-here';
import { ShowMore } from '../display/show-more';
import { StateMark } from '../display/state-mark';
import type { StateWord } from '../display/tones';
import { For } from '../time/ago';
import { byUrgency, isInTheWay, waveName } from './rollout';

const atFirst = 100;

const there: StateWord = { tone: 'good', icon: 'check', word: 'there' };
const moving: StateWord = { tone: 'busy', icon: 'moving', word: 'moving' };
const inTheWay: StateWord = { tone: 'bad', icon: 'warning', word: 'in the way' };
const waits: StateWord = { tone: 'idle', icon: 'clock', word: 'waits' };

function wordOf(node: NodeProgress): StateWord {
  if (node.notYet === undefined) return there;
  if (node.notYet.reason === 'moving') return moving;
  const reason = node.notYet.reason ?? '';
  return isInTheWay(node) ? { ...inTheWay, word: reason } : waits;
}

/** Each node: whether it is there, and why not yet. */
export function ProgressTable({ nodes }: { readonly nodes: readonly NodeProgress[] }): ReactElement {
  const [most, setMost] = useState(atFirst);
  if (nodes.length === 0) return <NothingHere title="No node is like that." />;
  return (
    <>
      <div className="rows-scroll">
        <table className="rows">
          <thead>
            <tr>
              <th scope="col">Node</th>
              <th scope="col">Wave</th>
              <th scope="col">State</th>
              <th scope="col">For</th>
              <th scope="col">Why not yet</th>
            </tr>
          </thead>
          <tbody>
            {byUrgency(nodes)
              .slice(0, most)
              .map((node) => (
                <tr key={node.node}>
                  <td className="nowrap">
                    <Link to={`/nodes/${encodeURIComponent(node.node ?? '')}`}>{node.node}</Link>
                  </td>
                  <td className="nowrap">{node.late === true ? 'late' : waveName(node.wave ?? 0)}</td>
                  <td>
                    <StateMark state={wordOf(node)} />
                  </td>
                  <td className="nowrap">
                    <For since={node.since} />
                  </td>
                  <td className="wrap-anywhere">
                    {node.notYet?.message}
                    {(node.obstacles ?? []).map((obstacle) => (
                      <div key={obstacle} className="dim">
                        {obstacle}
                      </div>
                    ))}
                  </td>
                </tr>
              ))}
          </tbody>
        </table>
      </div>
      <ShowMore
        left={nodes.length - most}
        one="node"
        onMore={() => {
          setMost(most + 10 * atFirst);
        }}
      />
    </>
  );
}
