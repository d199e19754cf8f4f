// SPDX-License-Identifier: GPL-2.0-only
export { freePort } from './free-port';
export { startRedis, type RedisServer } from './redis-server';
export { temporaryFolder, type TemporaryFolder } from './temporary-folder';
