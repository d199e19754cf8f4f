// SPDX-License-Identifier: GPL-2.0-only

/**
 * A shell script that tells of modules of the kernel's own, a line each, which are not loaded, and what insmod said to that,
 * and which have drivers and no device.
 */
export const absences = (modules: readonly string[]): string => `
  for module in ${modules.join(' ')}; do
    if [ ! -e /sys/module/$module ]; then
      echo "$module: is not loaded: $(cat /run/$module.ko.refused 2>/dev/null)"
    elif [ -d /sys/module/$module/drivers ]; then
      devices=0
      for link in /sys/module/$module/drivers/*/*; do
        [ "\${link##*/}" = module ] || [ ! -L "$link" ] || devices=1
      done
      [ $devices = 1 ] || echo "$module: its drivers have no device here"
    fi
  done
  :
`;

/** Why a module's functions cannot run, by its name. */
export function absencesIn(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^(\w+): (.+)$/gm)].map(([, name = '', why = '']) => [name, why.trim()]));
}
