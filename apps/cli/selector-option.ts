// SPDX-License-Identifier: GPL-2.0-only

export const selectorOption = [
  '-l, --selector <selector>',
  'only nodes with these labels: rack=a1,tier!=db,zone in (a,b),gpu,!spot',
] as const;
