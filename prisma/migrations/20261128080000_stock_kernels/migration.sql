-- SPDX-License-Identifier: GPL-2.0-only
-- AlterTable
ALTER TABLE "kernel_registrations" ADD COLUMN     "distribution" TEXT,
ADD COLUMN     "release" TEXT;
