-- SPDX-License-Identifier: GPL-2.0-only
ALTER TABLE "access_tokens" ADD COLUMN "certificate" BOOLEAN NOT NULL DEFAULT false;
