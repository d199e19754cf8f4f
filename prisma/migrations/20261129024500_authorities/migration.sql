-- SPDX-License-Identifier: GPL-2.0-only
-- CreateTable
CREATE TABLE "authorities" (
    "pin_sha256" TEXT NOT NULL,
    "certificate" TEXT NOT NULL,
    "cross_certificate" TEXT NOT NULL,
    "prepared_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "took_over_at" TIMESTAMPTZ(3),
    "retired_before_at" TIMESTAMPTZ(3),

    CONSTRAINT "authorities_pkey" PRIMARY KEY ("pin_sha256")
);
