// SPDX-License-Identifier: GPL-2.0-only

/** A config option that was asked for, and what the kernel's own rules made of it. */
export interface DroppedOption {
  readonly option: string;
  readonly asked: string;
  /** `n` where it is off or unknown to this kernel. */
  readonly got: string;
}

/** Told by the tools and the source, not by who configures; plugins and optimisations are asked for. */
const toldByTools =
  /^(?!GCC_PLUGIN_|CC_OPTIMIZE|LD_DEAD)(?:CC|AS|LD|GCC|CLANG|RUSTC|BINDGEN|PAHOLE|TOOLS|HAVE|ARCH|\w+_HAS|\w+_SUPPORTS?)_|_VERSION(?:_TEXT)?$|^GCC\d|^BUILD_SALT$|^RUST_IS_AVAILABLE$/;

/** What of one .config is otherwise in another, which `make olddefconfig` made of it; in the first one's order. */
export function droppedOptions(asked: string, got: string): DroppedOption[] {
  const result = settings(got);
  return [...settings(asked)].flatMap(([option, value]) => {
    const now = result.get(option) ?? 'n';
    return isSame(value, now) || toldByTools.test(option) ? [] : [{ option, asked: value, got: now }];
  });
}

/** What a config that a build wrote begins with; one that says only what somebody wants has it not. */
export const isWholeConfig = (config: string): boolean => /^# .* Kernel Configuration$/m.test(config);

export interface AddedOption {
  readonly option: string;
  readonly got: string;
}

/** What one .config has on of which another, that it was made of, says nothing: by default. */
export function addedOptions(asked: string, got: string): AddedOption[] {
  const named = settings(asked);
  return [...settings(got)].flatMap(([option, now]) =>
    named.has(option) || ['n', '""'].includes(now) || toldByTools.test(option) ? [] : [{ option, got: now }],
  );
}

/** An empty text may go with what it is for; a number may be written without `0x`, which kconfig puts before it. */
const isSame = (asked: string, got: string): boolean =>
  got === asked || got === `0x${asked}` || (asked === '""' && got === 'n');

/** What kconfig takes of a value: the first letter of `y`, `m` and `n`, and a text up to its end. */
const taken = /^(?:[ymn]|"(?:[^"\\]|\\.)*")/;

/** Lines may end as Windows ends them. */
function settings(config: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of config.split(/\r?\n/)) {
    const [, option, value = ''] = /^CONFIG_(\w+)=(.*)$/.exec(line) ?? [];
    const off = /^# CONFIG_(\w+) is not set$/.exec(line)?.[1];
    if (option !== undefined) found.set(option, taken.exec(value)?.[0] ?? value);
    else if (off !== undefined) found.set(off, 'n');
  }
  return found;
}
