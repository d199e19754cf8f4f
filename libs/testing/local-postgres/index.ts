// SPDX-License-Identifier: GPL-2.0-only
export { startPostgres } from './postgres-server';
export { connectSql, type SqlClient } from './sql-client';
