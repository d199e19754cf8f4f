-- SPDX-License-Identifier: GPL-2.0-only
-- CreateTable
CREATE TABLE "node_orders" (
    "node_name" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "subjects" TEXT[],
    "given_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "node_orders_pkey" PRIMARY KEY ("node_name","kind")
);

-- AddForeignKey
ALTER TABLE "node_orders" ADD CONSTRAINT "node_orders_node_name_fkey" FOREIGN KEY ("node_name") REFERENCES "nodes"("name") ON DELETE CASCADE ON UPDATE CASCADE;
