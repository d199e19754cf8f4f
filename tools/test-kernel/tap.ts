// SPDX-License-Identifier: GPL-2.0-only

export interface TapResult {
  readonly passed: readonly string[];
  /** Names, with the diagnostics that follow them. */
  readonly failed: readonly string[];
}

/**
 * Reads what a TAP producer printed (https://testanything.org). A plan that was not kept, a bail-out, a skipped case or
 * no plan at all counts as a failure: then it is not known that everything ran.
 */
export function readTap(text: string): TapResult {
  const passed: string[] = [];
  const failed: string[] = [];
  let planned: number | undefined;
  let diagnosticsOfFailure = false;
  for (const line of text.split('\n')) {
    const plan = /^1\.\.(\d+)/.exec(line)?.[1];
    const [, verdict, name = ''] = /^(ok|not ok) \d+ ?-? ?(.*)$/.exec(line) ?? [];
    if (plan !== undefined) planned = Number(plan);
    else if (line.startsWith('Bail out!')) failed.push(line);
    else if (verdict === 'ok' && !/# skip/i.test(name)) passed.push(name);
    else if (verdict !== undefined) failed.push(name);
    else if (diagnosticsOfFailure && line.startsWith('#')) failed.push(`${failed.pop() ?? ''}\n${line}`);
    if (verdict !== undefined) diagnosticsOfFailure = verdict === 'not ok';
  }
  const ran = passed.length + failed.length;
  if (planned === undefined) failed.push('the cases ended without a plan');
  else if (planned !== ran) failed.push(`${ran} cases ran, ${planned} were planned`);
  return { passed, failed };
}
