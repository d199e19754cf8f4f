// SPDX-License-Identifier: GPL-2.0-only
import type { CveExposure, GetExposureResponse } from '@lockstep/contracts/generated';
import { toDocument } from '../document';
import { showTime } from '../table';
import { countsOf, exposureDocument, exposureRows, type ExposureRow } from '../views/exposure-view';
import { csv } from './csv';
import { markdownFields, markdownTable, markdownText } from './markdown';
import type { Report } from './report-form';

export const exposureHeads = [
  ...(['node', 'cluster', 'kernelRelease', 'kernelBuildId', 'connected', 'lastSeenAt'] as const),
  ...(['cve', 'state', 'reason', 'module', 'message'] as const),
] as const satisfies readonly (keyof ExposureRow)[];

/** Down: 99.9 % is not all. */
const percent = (part: number, all: number): string => (all === 0 ? '-' : `${Math.floor((part * 1000) / all) / 10} %`);

/** A line for each CVE. */
export function coverageTable(cves: readonly CveExposure[]): string {
  const rows = cves.map((exposure) => {
    const { patched, inBetween, exposed, unknown } = countsOf(exposure);
    const all = patched + inBetween + exposed + unknown;
    const counts = [patched, inBetween, exposed, unknown].map(String);
    const fixes = exposure.fixes.map(({ patchName }) => patchName).join(', ');
    return [exposure.cve, fixes, String(all), ...counts, percent(patched, all)];
  });
  const heads = ['CVE', 'Fixed by', 'Nodes', 'Patched', 'In between', 'Exposed', 'Unknown', 'Patched of all'];
  return markdownTable(heads, rows, 'No patch here names a CVE.');
}

function exceptions(answer: GetExposureResponse, exposure: CveExposure): string {
  const left = exposureRows(answer, exposure).filter(({ state }) => state !== 'patched');
  const rows = left.map(({ node, cluster, kernelRelease, state, reason, message }) => [
    ...[node, cluster, kernelRelease, state],
    `${reason}: ${message}`,
  ]);
  const table = markdownTable(['Node', 'Cluster', 'Kernel', 'State', 'Why'], rows, 'None: every node is patched.');
  return `### ${markdownText(exposure.cve)}\n\n${table}`;
}

/** Of the chosen nodes and CVEs: how many run the fixes, and who does not and why. */
export function coverageReport(answer: GetExposureResponse): Report {
  return {
    document: {
      judgedAt: toDocument(answer.judgedAt),
      cves: answer.cves.map((exposure) => exposureDocument(answer, exposure)),
    },
    markdown: () =>
      [
        '# Coverage',
        markdownFields([
          ['Judged', `${showTime(answer.judgedAt)}, by what each kernel showed then`],
          ['Nodes', String(answer.nodes.length)],
        ]),
        coverageTable(answer.cves),
        ...(answer.cves.length === 0 ? [] : ['## Not patched']),
        ...answer.cves.map((exposure) => exceptions(answer, exposure)),
      ].join('\n\n'),
    csv: () =>
      csv(
        exposureHeads,
        answer.cves.flatMap((exposure) => exposureRows(answer, exposure)),
      ),
  };
}
