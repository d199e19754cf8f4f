// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import type { NodeMessage } from '../api/schemas';
import { countWords } from '../display/counts';
import { Panel } from '../display/panel';

const width = 22;
const gap = 8;
const height = 72;
/** One that is too small to be seen is there all the same. */
const leastHeight = 2;

const microseconds = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const windowWords = (ns: number): string => `${microseconds.format(ns / 1_000)} µs`;

/** How long all CPUs stood still at each of the last switches, oldest first: whether the last one was as the ones before. */
export function RecentWindows({ node }: { readonly node: NodeMessage }): ReactElement | null {
  const switches = (node.recentTransitions ?? []).flatMap(({ at = '', transition = {} }) => {
    const { moduleName = '', direction = '', windowLastNs: ns = 0, result } = transition;
    return result === 'switched' && ns > 0 ? [{ at, moduleName, direction, ns }] : [];
  });
  if (switches.length === 0) return null;
  const longest = Math.max(...switches.map(({ ns }) => ns));
  const words = switches.map(({ moduleName, direction, ns }) => `${direction} ${moduleName}: ${windowWords(ns)}`);
  const fullWidth = switches.length * (width + gap) - gap;
  return (
    <Panel title="Last switches" aside={countWords(switches.length, 'switch', 'switches')}>
      <figure className="recent-windows">
        <svg
          viewBox={`0 0 ${fullWidth} ${height}`}
          width={fullWidth}
          height={height}
          role="img"
          aria-label={words.join('; ')}
        >
          {switches.map(({ at, ns, direction }, index) => {
            const tall = Math.max(leastHeight, (height * ns) / longest);
            return (
              <rect
                key={`${at} ${index}`}
                className={direction === 'unpatching' ? 'is-unpatching' : ''}
                x={index * (width + gap)}
                y={height - tall}
                width={width}
                height={tall}
                rx={3}
              >
                <title>{words[index]}</title>
              </rect>
            );
          })}
        </svg>
        <figcaption>
          All CPUs stood still for {windowWords(switches.at(-1)?.ns ?? 0)} at the last one, for {windowWords(longest)}{' '}
          at most. Paler: taken out.
        </figcaption>
      </figure>
    </Panel>
  );
}
