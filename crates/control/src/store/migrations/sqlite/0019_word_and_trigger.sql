-- Deployments of the environments that a word finds, of one trigger, counted without being read.
CREATE INDEX deployments_environment_trigger ON deployments (environment_id, trigger_kind, id);
