// SPDX-License-Identifier: GPL-2.0-only
export { frameOf, readFrames } from './frames';
export { connectLocally, listenLocally, type LocalSocket } from './local-socket';
