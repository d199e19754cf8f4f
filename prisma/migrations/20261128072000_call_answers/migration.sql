-- SPDX-License-Identifier: GPL-2.0-only
-- CreateTable
CREATE TABLE "call_answers" (
    "key" TEXT NOT NULL,
    "method" TEXT NOT NULL,
    "request_sha256" TEXT NOT NULL,
    "answer" BYTEA NOT NULL,
    "answered_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "call_answers_pkey" PRIMARY KEY ("key")
);

-- CreateIndex
CREATE INDEX "call_answers_answered_at_idx" ON "call_answers"("answered_at");
