-- SPDX-License-Identifier: GPL-2.0-only
-- AlterTable
ALTER TABLE "access_tokens" ADD COLUMN "session" BOOLEAN NOT NULL DEFAULT false,
ADD COLUMN "begun_with" UUID;
