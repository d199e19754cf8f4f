// SPDX-License-Identifier: GPL-2.0-only
import { roles, verbs, verbsOf } from '@lockstep/domain/access';
import type { ReactElement } from 'react';
import { Icon } from '../display/icon';
import { Panel } from '../display/panel';
import { roleWord } from './roles';

/** What each role may, as it is decided; those of the reader are marked. @param own as the session names them */
export function RolesPanel({ own }: { readonly own: readonly string[] }): ReactElement {
  const mine = own.map(roleWord);
  return (
    <Panel title="What roles may" flush>
      <div className="rows-scroll">
        <table className="rows role-table">
          <thead>
            <tr>
              <th scope="col">To</th>
              {roles.map((role) => (
                <th key={role} scope="col">
                  {role}
                  {mine.includes(role) && <span className="dim"> (you)</span>}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {verbs
              .filter((verb) => roles.some((role) => verbsOf[role].includes(verb)))
              .map((verb) => (
                <tr key={verb}>
                  <th scope="row">{verb}</th>
                  {roles.map((role) => (
                    <td key={role}>
                      {verbsOf[role].includes(verb) && (
                        <>
                          <Icon name="check" size={14} />
                          <span className="visually-hidden">may</span>
                        </>
                      )}
                    </td>
                  ))}
                </tr>
              ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}
