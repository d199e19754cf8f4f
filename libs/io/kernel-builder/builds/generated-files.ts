// SPDX-License-Identifier: GPL-2.0-only
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically } from '../processes/stage';

const listFile = (registeredDir: string): string => join(registeredDir, 'generated-files.json');

/** Sources that a stock kernel's own build generated on its way to single objects, after it was registered. */
export function generatedFiles(registeredDir: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(listFile(registeredDir), 'utf8');
  } catch {
    return [];
  }
  return JSON.parse(text) as string[];
}

export async function noteGeneratedFiles(registeredDir: string, files: Iterable<string>): Promise<void> {
  const all = new Set([...generatedFiles(registeredDir), ...files]);
  await writeFileAtomically(listFile(registeredDir), JSON.stringify([...all].sort()));
}
