-- Deployments in one state, of the many environments that a common word finds.
CREATE INDEX deployments_environment_state ON deployments (environment_id, state, id);
