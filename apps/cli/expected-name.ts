// SPDX-License-Identifier: GPL-2.0-only
import type { Command, Option } from 'commander';
import type { NameKind } from './known-names';

/** As arguments and values of options are called in the help. */
const kinds: Readonly<Record<string, NameKind>> = {
  node: 'node',
  cluster: 'cluster',
  patch: 'patch',
  patches: 'patch',
  rollout: 'rollout',
  build: 'build',
  webhook: 'webhook',
  kernel: 'kernel',
  window: 'window',
  freeze: 'freeze',
  campaign: 'campaign',
  token: 'token',
  words: 'node',
};
/** Options whose value is called otherwise. */
const kindsOfOptions: Readonly<Record<string, NameKind | 'context'>> = {
  '--kernel-build': 'kernel',
  '--context': 'context',
};

const takesValue = ({ required, optional }: Option): boolean => required || optional;

function kindOfOption({ long, flags }: Option): NameKind | 'context' | undefined {
  const hint = /<([a-z-]+)/.exec(flags)?.[1] ?? '';
  return kindsOfOptions[long ?? ''] ?? kinds[hint];
}

/**
 * What may follow `words` (a command line without its first word, up to where the cursor is): the value of an option, or
 * the next argument of a command. Undefined where no name is expected.
 */
export function expectedName(program: Command, words: readonly string[]): NameKind | 'context' | undefined {
  let command = program;
  let given = 0;
  let pending: Option | undefined;
  for (const word of words) {
    if (pending !== undefined) {
      pending = undefined;
      continue;
    }
    if (word.startsWith('-')) {
      const option = command.options.find(({ long, short }) => word === long || word === short);
      pending = option !== undefined && takesValue(option) ? option : undefined;
      continue;
    }
    const child: Command | undefined = command.commands.find((each) => each.name() === word);
    if (child !== undefined && given === 0) command = child;
    else given += 1;
  }
  if (pending !== undefined) return kindOfOption(pending);
  const { registeredArguments } = command;
  const last = registeredArguments.at(-1);
  const argument = registeredArguments[given] ?? (last?.variadic === true ? last : undefined);
  return argument === undefined ? undefined : kinds[argument.name()];
}
