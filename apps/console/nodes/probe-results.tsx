// SPDX-License-Identifier: GPL-2.0-only
import type { ReactElement } from 'react';
import type { NodeReport, Schemas } from '../api/schemas';
import { countWords } from '../display/counts';
import { Panel } from '../display/panel';
import { StateMark } from '../display/state-mark';
import type { StateWord } from '../display/tones';

type Verdict = NonNullable<Schemas['ProbeResult']['verdict']>;

const verdicts: Readonly<Record<Verdict, StateWord>> = {
  PROBE_VERDICT_UNSPECIFIED: { tone: 'idle', icon: 'silent', word: 'not run yet' },
  PROBE_VERDICT_PASS: { tone: 'good', icon: 'check', word: 'passes' },
  PROBE_VERDICT_FAIL: { tone: 'bad', icon: 'cross', word: 'fails' },
  PROBE_VERDICT_ERROR: { tone: 'warn', icon: 'warning', word: 'cannot be measured' },
};

/** What a node's probes came to, while a rollout has it run some. */
export function ProbeResults({ report }: { readonly report: NodeReport | undefined }): ReactElement | null {
  const probes = report?.probes ?? [];
  if (probes.length === 0) return null;
  return (
    <Panel title="Probes" flush>
      <table className="rows">
        <tbody>
          {probes.map(({ probe, verdict = 'PROBE_VERDICT_UNSPECIFIED', message, position = 0, inARow = 0 }) => (
            <tr key={probe}>
              <td>
                <code>{probe}</code>
              </td>
              <td>
                <StateMark state={verdicts[verdict]} />
              </td>
              <td className="dim">
                at {position}, {countWords(inARow, 'time')} in a row
              </td>
              <td className="wrap-anywhere">{message}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
