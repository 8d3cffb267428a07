-- Deployments of the environments that a word finds, in one state, counted without being read.
CREATE INDEX deployments_environment_state ON deployments (environment_id, state, kind, trigger_kind, id);
