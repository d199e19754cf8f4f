-- SPDX-License-Identifier: GPL-2.0-only
-- CreateTable
CREATE TABLE "kernel_copies" (
    "kernel_build_id" TEXT NOT NULL,
    "sha256" TEXT,
    "parts" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "size_bytes" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "kernel_copies_pkey" PRIMARY KEY ("kernel_build_id")
);

-- AddForeignKey
ALTER TABLE "kernel_copies" ADD CONSTRAINT "kernel_copies_kernel_build_id_fkey" FOREIGN KEY ("kernel_build_id") REFERENCES "kernel_builds"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
