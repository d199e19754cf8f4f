// SPDX-License-Identifier: GPL-2.0-only
// eslint-disable-next-line @nx/enforce-module-boundaries -- the release's own file, which no project owns
import { version } from '../../../package.json';

/** Of all programs: they are released together. Taken in when they are bundled, so that they need no file beside them. */
export const lockstepVersion: string = version;
