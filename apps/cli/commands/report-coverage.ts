// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';
import { collect, leafCommand, type Cli } from '../cli';
import { coverageReport } from '../reports/coverage-report';
import { asksForJson, formatOption, reportAnswer, type ReportOptions } from '../reports/report-form';
import { selectorOption } from '../selector-option';

interface Options extends ReportOptions {
  readonly cluster?: string;
  readonly selector?: string;
  readonly cve?: readonly string[];
}

export const reportCoverage = (cli: Cli): Command =>
  leafCommand('coverage', 'of every CVE that patches name: who runs the fix, by what the kernels show')
    .option('--cluster <cluster>', 'only nodes of this cluster')
    .option(...selectorOption)
    .option('--cve <cve>', 'only this one; may be given again', collect)
    .addOption(formatOption())
    .action(({ cluster = '', selector = '', cve = [], ...options }: Options) =>
      cli.run({ ...options, json: asksForJson(options) }, async ({ fleet, signal }) => {
        const answer = await fleet.getExposure({ cves: [...cve], cluster, selector }, { signal });
        return reportAnswer(coverageReport(answer), options.format);
      }),
    );
