// SPDX-License-Identifier: GPL-2.0-only
import type { Command } from 'commander';

export const shells = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof shells)[number];

/** A command line up to here (`order append`) and what may follow: commands and options. */
interface Place {
  readonly words: string;
  readonly commands: readonly Word[];
  readonly options: readonly Word[];
}

interface Word {
  readonly word: string;
  readonly description: string;
}

function placesOf(command: Command, words: readonly string[] = []): Place[] {
  const commands = command.commands.map((child) => ({ word: child.name(), description: child.description() }));
  const options = command.options.flatMap(({ long, description }) =>
    long === undefined ? [] : [{ word: long, description }],
  );
  const here: Place = { words: words.join(' '), commands, options };
  return [here, ...command.commands.flatMap((child) => placesOf(child, [...words, child.name()]))];
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const wordList = ({ commands, options }: Place): string =>
  [...commands, ...options, { word: '--help' }].map(({ word }) => word).join(' ');

/**
 * Bash; zsh runs the same through bashcompinit. Where a name is expected the control plane is asked for those that there
 * are. Files complete where nothing else fits.
 */
function bashScript(places: readonly Place[]): string {
  const cases = places.map((place) => {
    const names = place.commands.length === 0 ? ' names=1' : '';
    return `    ${quoted(place.words)}) words=${quoted(wordList(place))}${names} ;;`;
  });
  return `_lockstep() {
  local place='' word words='' names='' known cur="\${COMP_WORDS[COMP_CWORD]}"
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    [[ $word == -* ]] && break
    place="\${place:+$place }$word"
  done
  while :; do
    case "$place" in
${cases.join('\n')}
    esac
    [[ -n $words || -z $place ]] && break
    [[ $place == *' '* ]] && place="\${place% *}" || place=''
  done
  if [[ -n $names && $cur != -* ]]; then
    known="$(lockstep complete-names -- "\${COMP_WORDS[@]:1:COMP_CWORD-1}" 2>/dev/null)"
    [[ -n $known ]] && words="$known"
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _lockstep lockstep
`;
}

function fishScript(places: readonly Place[]): string {
  const lines = places.flatMap(({ words, commands, options }) => {
    const seen = words.split(' ').filter(Boolean);
    const next = commands.map(({ word }) => word).join(' ');
    const within = seen.map((word) => `__fish_seen_subcommand_from ${word}`);
    const notYet = next === '' ? [] : [`not __fish_seen_subcommand_from ${next}`];
    const condition = [...within, ...notYet].join('; and ');
    const start = `complete -c lockstep${condition === '' ? '' : ` -n ${quoted(condition)}`}`;
    return [
      ...commands.map(({ word, description }) => `${start} -f -a ${word} -d ${quoted(description)}`),
      ...options.map(({ word, description }) => `${start} -l ${word.slice(2)} -d ${quoted(description)}`),
    ];
  });
  return `${lines.join('\n')}\n`;
}

/** A script that completes the commands and options of `program`, made from the same tree that parses them. */
export function completionScript(shell: Shell, program: Command): string {
  const places = placesOf(program);
  switch (shell) {
    case 'bash':
      return bashScript(places);
    case 'zsh':
      return `autoload -Uz bashcompinit && bashcompinit\n${bashScript(places)}`;
    case 'fish':
      return fishScript(places);
  }
}
