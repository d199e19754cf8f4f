// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement, ReactNode } from 'react';
import { Link } from 'react-router';
import { Icon } from '../display/icon';
import { StateMark } from '../display/state-mark';
import { isTorn, type Cell, type Column, type Layer, type Picture } from './picture';

/** So many colours are told apart; names and numbers tell the rest. */
const hues = 6;

/** A long name may break where it would be read in parts. */
const broken = (name: string): ReactNode[] =>
  name.split('_').flatMap((part, index) => (index === 0 ? [part] : ['_', <wbr key={index} />, part]));

function CellWords({ cell }: { readonly cell: Cell }): ReactElement | null {
  switch (cell.kind) {
    case 'none':
      return null;
    case 'runs':
      return (
        <span className="layer-cell">
          <Icon name="check" size={13} /> runs
        </span>
      );
    case 'shadowed':
      return (
        <span className="layer-cell" title={`shadowed by ${cell.by}`}>
          under {cell.by}
        </span>
      );
    case 'takes':
      return (
        <span className="layer-cell">
          <Icon name="warning" size={13} /> takes it from {cell.from}
        </span>
      );
    case 'contains':
      return (
        <span className="layer-cell">
          <Icon name="check" size={13} /> contains {cell.from}
        </span>
      );
  }
}

function LayerHead({ layer }: { readonly layer: Layer }): ReactElement {
  const { seq, patchName, running, functions } = layer;
  return (
    <th scope="row" className="layer-head">
      <span className="layer-seq">{seq ?? 'draft'}</span>
      <Link to={`/patches/${encodeURIComponent(patchName)}`}>{patchName}</Link>
      <span className="layer-marks">
        {isTorn(layer) && (
          <StateMark state={{ tone: 'warn', icon: 'warning', word: `torn: ${running} of ${functions} run` }} />
        )}
        {running === 0 && functions > 0 && (
          <StateMark state={{ tone: 'idle', icon: 'silent', word: 'wholly shadowed' }} />
        )}
        {functions === 0 && <StateMark state={{ tone: 'idle', icon: 'silent', word: 'changes no function' }} />}
      </span>
    </th>
  );
}

const headOf = ({ function: { object, name } }: Column): ReactElement => (
  <>
    <span className="function-object">{object}</span>
    <code>{broken(name)}</code>
  </>
);

export interface PictureTableProps {
  readonly picture: Picture;
  readonly position: number;
}

/** Layers over functions, as they lie: what is looked at from above is what runs. */
export function PictureTable({ picture: { columns, layers }, position }: PictureTableProps): ReactElement {
  const hueOf = new Map(layers.toReversed().map(({ patchName }, index) => [patchName, index % hues]));
  return (
    <div className="rows-scroll" tabIndex={0} role="region" aria-label="Layers over functions">
      <table className="picture">
        <caption className="table-caption">
          Seen from above, each function runs the topmost layer&rsquo;s code. The number is the entry&rsquo;s place in
          the load order.
        </caption>
        <thead>
          <tr>
            <th scope="col" className="picture-corner">
              Layer
            </th>
            {columns.map((column) => (
              <th
                key={column.key}
                scope="col"
                className={column.owners > 1 ? 'function-head is-shared' : 'function-head'}
              >
                {headOf(column)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr className="picture-runs">
            <th scope="row">
              Runs at {position}
              {layers[0]?.seq === undefined && layers.length > 0 && ', with the draft'}
            </th>
            {columns.map(({ key, runs }) => (
              <td key={key} className={`hue-${hueOf.get(runs) ?? 0}`}>
                <strong>{runs}</strong>
              </td>
            ))}
          </tr>
          {layers.map((layer) => (
            <tr
              key={layer.seq ?? 'draft'}
              className={`layer hue-${hueOf.get(layer.patchName) ?? 0}${layer.seq === undefined ? ' is-draft' : ''}`}
            >
              <LayerHead layer={layer} />
              {layer.cells.map((cell, index) => (
                <td key={columns[index]?.key} className={`cell-${cell.kind}`}>
                  <CellWords cell={cell} />
                </td>
              ))}
            </tr>
          ))}
          <tr className="picture-kernel">
            <th scope="row">The kernel as it was built</th>
            <td colSpan={Math.max(1, columns.length)} />
          </tr>
        </tbody>
      </table>
    </div>
  );
}
