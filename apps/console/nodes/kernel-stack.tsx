// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import { Link } from 'react-router';
import type { NodeMessage } from '../api/schemas';
import { Awaited } from '../display/awaited';
import { NothingHere } from '../display/nothing-here';
import { Panel } from '../display/panel';
import { StateMark } from '../display/state-mark';
import type { StateWord } from '../display/tones';
import { useOrder } from '../load-order/order';
import { isAsWanted, stackPlaces, type StackPlace } from './held-stack';

function wordOf(place: StackPlace): StateWord {
  if (place.seq === undefined) return { tone: 'bad', icon: 'fork', word: 'foreign: nobody asked for it' };
  if (!place.isHeld) return { tone: 'bad', icon: 'cross', word: 'missing' };
  if (place.isInTransition) return { tone: 'busy', icon: 'moving', word: 'in transition' };
  return place.isEnabled
    ? { tone: 'good', icon: 'check', word: 'held' }
    : { tone: 'warn', icon: 'warning', word: 'loaded, disabled' };
}

/** What its kernel really holds, beside what the load order says that it should at its position. */
export function KernelStack({ node }: { readonly node: NodeMessage }): ReactElement {
  const { cluster = '', kernelBuildId = '', report } = node;
  const query = useOrder({ cluster: kernelBuildId === '' ? '' : cluster, kernel: kernelBuildId });
  const address = new URLSearchParams({ cluster, kernel: kernelBuildId, at: String(report?.position ?? 0) });
  return (
    <Panel title="What its kernel holds" flush aside={<Link to={`/load-order?${address}`}>as a picture</Link>}>
      {report === undefined ? (
        <NothingHere title="It has not reported yet." />
      ) : (
        <Awaited query={query}>
          {(order) => {
            const places = stackPlaces(order, report);
            if (places.length === 0) return <NothingHere title="Nothing, and nothing is wanted at its position." />;
            return (
              <div className="rows-scroll">
                <table className="rows stack-table">
                  <caption className="table-caption">Top first: what lies above shadows what lies below.</caption>
                  <thead>
                    <tr>
                      <th scope="col">Seq</th>
                      <th scope="col">It should hold</th>
                      <th scope="col">Its kernel shows</th>
                      <th scope="col">Module</th>
                      <th scope="col" className="number">
                        Functions
                      </th>
                    </tr>
                  </thead>
                  <tbody>
                    {places.map((place) => (
                      <tr key={place.moduleName} className={isAsWanted(place) ? '' : 'stack-differs'}>
                        <td>{place.seq ?? '–'}</td>
                        <td>{place.patchName ?? <span className="dim">nothing</span>}</td>
                        <td>
                          <StateMark state={wordOf(place)} />
                        </td>
                        <td>
                          <code>{place.moduleName}</code>
                        </td>
                        <td className="number">{place.functions}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            );
          }}
        </Awaited>
      )}
    </Panel>
  );
}
