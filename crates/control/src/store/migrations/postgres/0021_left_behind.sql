-- Deployments that were left as they were, which every list counts after the last good one of an environment.
CREATE INDEX deployments_left_behind ON deployments (environment_id, number)
    WHERE state IN ('failed', 'cancelled') AND started_at IS NOT NULL AND rolled_back_to_id IS NULL;
