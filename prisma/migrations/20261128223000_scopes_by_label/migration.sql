-- SPDX-License-Identifier: GPL-2.0-only
ALTER TABLE "access_tokens" ADD COLUMN "node_selector" TEXT NOT NULL DEFAULT '';
