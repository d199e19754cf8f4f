// SPDX-License-Identifier: GPL-2.0-only
import { LockstepError } from '@lockstep/domain/livepatch-model';
import { Option } from 'commander';
import type { Answer } from './answer';
import type { Screen } from './screen';
import { yamlText } from './yaml-text';

const written = ['json', 'yaml', 'wide', 'name'] as const;

/** `table` is what people get who ask for nothing else. */
export type OutputForm = (typeof written)[number] | 'table';

/** As every command takes them. */
export interface OutputOptions {
  readonly json?: boolean;
  readonly output?: OutputForm;
}

export const outputOption = (): Option =>
  new Option('-o, --output <form>', 'json and yaml: one document; wide: more columns; name: a name a line').choices(
    written,
  );

export const formOf = ({ json, output }: OutputOptions): OutputForm => output ?? (json === true ? 'json' : 'table');

/** Nothing but the answer is printed: whoever reads it is a program. */
export const isForPrograms = (form: OutputForm): boolean => form === 'json' || form === 'yaml' || form === 'name';

function namesOf({ names }: Answer): string {
  if (names !== undefined) return names.map((name) => `${name}\n`).join('');
  throw new LockstepError('invalid-input', 'usage', 'This command answers with no names: use -o json or -o yaml.');
}

/** As it is printed: with the line break at its end; empty where there is nothing to say. */
export function answerText(answer: Answer, form: OutputForm): string {
  switch (form) {
    case 'json':
      return `${JSON.stringify(answer.document, null, 2)}\n`;
    case 'yaml':
      return yamlText(answer.document);
    case 'name':
      return namesOf(answer);
    case 'wide':
    case 'table': {
      const text = form === 'wide' ? (answer.wide?.() ?? answer.text) : answer.text;
      return text === '' ? '' : `${text}\n`;
    }
  }
}

/** In JSON what a terminal would obey is an escape; in YAML it stands in quotes, where what is shown of it is one. */
export function printAs(screen: Screen, text: string, form: OutputForm): void {
  if (form === 'json') screen.printJson(text);
  else screen.print(text);
}
