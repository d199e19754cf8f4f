// SPDX-License-Identifier: GPL-2.0-only
import { hostileShapes } from './hostile/hostile-shapes';
import { laterShapes } from './hostile/later-shapes';
import { testShapes } from './hostile/run-shapes';

/** One of each kind; `npm run test:hostile` has all. */
const few = [
  ...['a symbolic link', '#include of an absolute path', '.incbin by climbing', '.incbin of the environment'],
  ...[
    '#line into a host file, for the message',
    '.fill of a gigabyte',
    'Makefile without the right to change the build',
  ],
  ...['.incbin of the key that signs the modules', 'make: prints the key that signs the modules'],
  ...['make: writes into its sources in place', 'make: calls home', 'make: leaves a link in place of a folder'],
];

testShapes([...hostileShapes, ...laterShapes].filter(({ name }) => few.includes(name)));
