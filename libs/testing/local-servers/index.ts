// SPDX-License-Identifier: GPL-2.0-only
export { openShakyLink, type ShakyLink } from './shaky-link';
export { freePort } from './free-port';
export { startRedis, type RedisServer } from './redis-server';
export { temporaryFolder, type TemporaryFolder } from './temporary-folder';
