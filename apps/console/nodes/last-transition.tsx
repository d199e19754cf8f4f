// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import type { NodeReport } from '../api/schemas';
import { NothingHere } from '../display/nothing-here';
import { Panel } from '../display/panel';
import { spanWords } from '../time/spans';

type Transition = NonNullable<NodeReport['lastTransition']>;

const microseconds = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const windowWords = (ns: number): string => `${microseconds.format(ns / 1000)} µs`;

/** How long all CPUs stood still. */
function Windows({ transition }: { readonly transition: Transition }): ReactElement | null {
  const { windowLastNs = 0, windowMaxNs = 0 } = transition;
  if (windowMaxNs === 0) return null;
  const bars = [
    { name: 'last stop', ns: windowLastNs },
    { name: 'longest stop', ns: windowMaxNs },
  ];
  return (
    <div
      className="window-bars"
      role="img"
      aria-label={bars.map(({ name, ns }) => `${name} ${windowWords(ns)}`).join(', ')}
    >
      {bars.map(({ name, ns }) => (
        <div key={name} className="window-bar">
          <span>{name}</span>
          <span className="bar" style={{ width: `${(100 * ns) / windowMaxNs}%` }} />
          <span>{windowWords(ns)}</span>
        </div>
      ))}
    </div>
  );
}

/** How its kernel switched last, and which tasks were in the way. */
export function LastTransition({ report }: { readonly report: NodeReport | undefined }): ReactElement {
  const transition = report?.lastTransition;
  return (
    <Panel title="Last switch">
      {transition === undefined ? (
        <NothingHere title="Its kernel tells of none.">
          A stock kernel tells nothing; a patched core, the last one since it booted.
        </NothingHere>
      ) : (
        <>
          <dl className="facts">
            <dt>Module</dt>
            <dd>
              <code>{transition.moduleName}</code>
            </dd>
            <dt>Outcome</dt>
            <dd>
              {transition.direction} {transition.result}, {transition.attempts ?? 0} attempts in{' '}
              {spanWords(transition.elapsedMs ?? 0)}
            </dd>
            <dt>Mode</dt>
            <dd>
              {(transition.mode ?? 'the kernel’s own').replace('CONSISTENCY_', '').toLowerCase().replace('_', ' ')}
            </dd>
            <dt>Tasks checked</dt>
            <dd>
              {transition.checkedOutside ?? 0} before the stop, {transition.checkedInside ?? 0} in it
            </dd>
          </dl>
          <Windows transition={transition} />
          {(transition.blockers ?? []).length > 0 && (
            <table className="rows blockers">
              <caption className="table-caption">In the way of the last attempt that failed</caption>
              <thead>
                <tr>
                  <th scope="col">Task</th>
                  <th scope="col">Pid</th>
                  <th scope="col">In</th>
                  <th scope="col">Held by</th>
                </tr>
              </thead>
              <tbody>
                {(transition.blockers ?? []).map(({ pid, comm, function: at, heldBy }) => (
                  <tr key={pid}>
                    <td>{comm}</td>
                    <td>{pid}</td>
                    <td>
                      <code>{at}</code>
                    </td>
                    <td>{heldBy}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
        </>
      )}
    </Panel>
  );
}
