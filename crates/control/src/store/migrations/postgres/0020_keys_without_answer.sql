-- Calls that were given up without an answer, which are forgotten soon.
CREATE INDEX idempotency_unanswered ON idempotency (created_at) WHERE answer_sealed IS NULL;
