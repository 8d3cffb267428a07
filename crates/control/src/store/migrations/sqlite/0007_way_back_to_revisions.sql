-- What a deployment that failed went back to where no deployment had succeeded: a revision that others had made. The plan
-- of that, for the worker that goes on with it.
ALTER TABLE deployments ADD COLUMN rolled_back_revision BIGINT;
ALTER TABLE deployments ADD COLUMN rollback_plan_object TEXT;
