// SPDX-License-Identifier: GPL-2.0-only
import { useQueryClient } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { answerOf, api } from '../api/client';
import { because } from '../api/because';
import { useCensus } from '../clusters/census';
import { ActionButton } from '../display/action-button';
import { Awaited } from '../display/awaited';
import { NothingHere } from '../display/nothing-here';
import { Panel } from '../display/panel';
import { ReasonDialog } from '../display/reason-dialog';
import { whyNot } from '../session/may';
import { useSession } from '../session/session';
import { Ago } from '../time/ago';

/** The keys that load orders are signed with: how old the newest proof of each is, and a new key. */
export function LogKeys(): ReactElement {
  const census = useCensus();
  const session = useSession();
  const client = useQueryClient();
  const [rotating, setRotating] = useState<string>();
  return (
    <Panel title="Keys of load orders" flush>
      <Awaited query={census}>
        {(clusters) =>
          clusters.length === 0 ? (
            <NothingHere title="There is no cluster yet." />
          ) : (
            <table className="rows">
              <thead>
                <tr>
                  <th scope="col">Cluster</th>
                  <th scope="col">Load orders</th>
                  <th scope="col">Signed head</th>
                  <th scope="col">
                    <span className="visually-hidden">Actions</span>
                  </th>
                </tr>
              </thead>
              <tbody>
                {clusters.map(({ cluster, orders }) => {
                  const signed = orders.flatMap(({ headSignedAt }) => headSignedAt ?? []).sort()[0];
                  return (
                    <tr key={cluster}>
                      <td>{cluster}</td>
                      <td>{orders.length}</td>
                      <td>
                        <Ago at={signed} never="none yet" />
                      </td>
                      <td className="row-actions">
                        <ActionButton
                          label="Rotate"
                          name={`Rotate the key of ${cluster}`}
                          icon="key"
                          whyNot={whyNot(session, 'set-up', cluster)}
                          onClick={() => {
                            setRotating(cluster);
                          }}
                        />
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          )
        }
      </Awaited>
      {rotating !== undefined && (
        <ReasonDialog
          title={`A new key for ${rotating}`}
          confirm="Bring in a new key"
          act={async (reason) => {
            const params = { path: { cluster: rotating } };
            await answerOf(api.POST('/v1/clusters/{cluster}/order/keys', { params, body: {}, ...because(reason) }));
            await Promise.all(['order', 'census'].map((key) => client.invalidateQueries({ queryKey: [key] })));
          }}
          onClose={() => {
            setRotating(undefined);
          }}
        >
          Each of its load orders gets an entry that brings the key in, signed by the one before. Agents walk from one
          to the next; what is signed already stays as it is.
        </ReasonDialog>
      )}
    </Panel>
  );
}
