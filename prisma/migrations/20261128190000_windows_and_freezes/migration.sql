-- SPDX-License-Identifier: GPL-2.0-only
-- CreateTable
CREATE TABLE "load_windows" (
    "cluster_name" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "selector" TEXT NOT NULL,
    "zone" TEXT NOT NULL,
    "days" TEXT[],
    "start_minute" INTEGER NOT NULL,
    "length_ms" INTEGER NOT NULL,
    "cutoff_ms" INTEGER NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "load_windows_pkey" PRIMARY KEY ("cluster_name","name")
);

-- CreateTable
CREATE TABLE "freezes" (
    "name" TEXT NOT NULL,
    "cluster_name" TEXT,
    "selector" TEXT NOT NULL,
    "from_at" TIMESTAMPTZ(3) NOT NULL,
    "until_at" TIMESTAMPTZ(3) NOT NULL,
    "reason" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "freezes_pkey" PRIMARY KEY ("name")
);

-- AddForeignKey
ALTER TABLE "load_windows" ADD CONSTRAINT "load_windows_cluster_name_fkey" FOREIGN KEY ("cluster_name") REFERENCES "clusters"("name") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "freezes" ADD CONSTRAINT "freezes_cluster_name_fkey" FOREIGN KEY ("cluster_name") REFERENCES "clusters"("name") ON DELETE RESTRICT ON UPDATE CASCADE;
