// SPDX-License-Identifier: GPL-2.0-only

export interface TapResult {
  readonly passed: readonly string[];
  /** Names, with the diagnostics that follow them. */
  readonly failed: readonly string[];
  /** What the cases that passed had to tell, without the leading `# `. */
  readonly remarks: readonly string[];
}

/**
 * Reads what a TAP producer printed (https://testanything.org). A plan that was not kept, a bail-out, a skipped case or
 * no plan at all counts as a failure: then it is not known that everything ran.
 */
export function readTap(text: string): TapResult {
  const passed: string[] = [];
  const failed: string[] = [];
  const remarks: string[] = [];
  let diagnosticsOfFailure = false;
  for (const line of text.split('\n')) {
    const [, verdict, name = ''] = /^(ok|not ok) \d+ ?-? ?(.*)$/.exec(line) ?? [];
    if (line.startsWith('Bail out!')) failed.push(line);
    else if (verdict === 'ok' && !/# skip/i.test(name)) passed.push(name);
    else if (verdict !== undefined) failed.push(name);
    else if (diagnosticsOfFailure && line.startsWith('#')) failed.push(`${failed.pop() ?? ''}\n${line}`);
    else if (line.startsWith('# ')) remarks.push(line.slice(2));
    if (verdict !== undefined) diagnosticsOfFailure = verdict === 'not ok';
  }
  const { planned } = tapProgress(text);
  const ran = passed.length + failed.length;
  if (planned === undefined) failed.push('the cases ended without a plan');
  else if (planned !== ran) failed.push(`${ran} cases ran, ${planned} were planned`);
  return { passed, failed, remarks };
}

/** How far a TAP producer has come. `undefined` while it has told no plan: then the number of cases is not known. */
export function tapProgress(text: string): { readonly done: number; readonly planned: number | undefined } {
  const planned = /^1\.\.(\d+)$/m.exec(text)?.[1];
  return {
    done: text.match(/^(?:not )?ok \d+/gm)?.length ?? 0,
    planned: planned === undefined ? undefined : Number(planned),
  };
}
