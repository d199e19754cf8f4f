// SPDX-License-Identifier: GPL-2.0-only
import c from 'highlight.js/lib/languages/c';
import { createLowlight } from 'lowlight';
import { useMemo, type ReactElement, type ReactNode } from 'react';
import { diffLines, type DiffLine } from './diff-lines';

const lowlight = createLowlight({ c });
const marks = { added: '+', removed: '−', context: ' ', file: '', hunk: '' } as const;

type Highlighted = ReturnType<typeof lowlight.highlight>['children'][number];

/** What was recognised as elements of ours: text stays text, whatever is in it. */
function nodesOf(children: readonly Highlighted[]): ReactNode[] {
  return children.map((child, index) => {
    if (child.type === 'text') return child.value;
    if (child.type !== 'element') return null;
    const names = child.properties['className'];
    const className = Array.isArray(names) ? names.join(' ') : '';
    return (
      <span key={index} className={className}>
        {nodesOf(child.children)}
      </span>
    );
  });
}

const code = ({ kind, text }: DiffLine): ReactNode =>
  kind === 'file' || kind === 'hunk' ? text : nodesOf(lowlight.highlight('c', text).children);

/** A diff with the colours of C, its marks in words for whoever sees no colours. */
export function DiffView({ diff }: { readonly diff: string }): ReactElement {
  const rows = useMemo(() => diffLines(diff).map((line) => ({ line, shown: code(line) })), [diff]);
  return (
    <div className="rows-scroll" tabIndex={0} role="region" aria-label="Diff, line by line">
      <table className="diff">
        <tbody>
          {rows.map(({ line: { kind, before, after }, shown }, index) => (
            <tr key={index} className={`diff-${kind}`}>
              <td className="diff-number">{before}</td>
              <td className="diff-number">{after}</td>
              <td className="diff-mark">{marks[kind]}</td>
              <td className="diff-code">{shown}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
