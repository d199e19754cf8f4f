-- SPDX-License-Identifier: GPL-2.0-only
-- CreateIndex
CREATE INDEX "events_type_seq_idx" ON "events"("type", "seq");
