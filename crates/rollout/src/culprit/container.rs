//! A pod's containers, as the causes look at them.

use jiff::Timestamp;
use serde_json::Value;

/// One container's status, with its part of the pod's spec.
#[derive(Clone, Copy, Debug)]
pub(super) struct Container<'a> {
    pub(super) name: &'a str,
    status: &'a Value,
    spec: Option<&'a Value>,
}

impl<'a> Container<'a> {
    /// The containers of a pod that have a status, initial ones first.
    pub(super) fn all(pod: &'a Value) -> impl Iterator<Item = Container<'a>> {
        [("initContainers", "initContainerStatuses"), ("containers", "containerStatuses")]
            .into_iter()
            .flat_map(move |(specs, statuses)| {
                let specs = pod["spec"][specs].as_array();
                let statuses = pod["status"][statuses].as_array();
                statuses.into_iter().flatten().filter_map(move |status| {
                    let name = status["name"].as_str()?;
                    let spec =
                        specs.and_then(|specs| specs.iter().find(|spec| spec["name"] == name));
                    Some(Container { name, status, spec })
                })
            })
    }

    pub(super) fn image(&self) -> &'a str {
        let spec = self.spec.and_then(|spec| spec["image"].as_str());
        spec.or(self.status["image"].as_str()).unwrap_or_default()
    }

    /// The most memory it may use, as its spec writes it.
    pub(super) fn memory_limit(&self) -> Option<&'a str> {
        self.spec?.pointer("/resources/limits/memory")?.as_str()
    }

    pub(super) fn is_ready(&self) -> bool {
        self.status["ready"] == true
    }

    pub(super) fn restarts(&self) -> u64 {
        self.status["restartCount"].as_u64().unwrap_or(0)
    }

    /// Reason and message of a container that waits to be started.
    pub(super) fn waiting(&self) -> Option<(&'a str, &'a str)> {
        let waiting = self.status["state"].get("waiting").filter(|state| !state.is_null())?;
        let text = |field: &str| waiting[field].as_str().unwrap_or_default();
        Some((text("reason"), text("message")))
    }

    pub(super) fn running_since(&self) -> Option<Timestamp> {
        self.status.pointer("/state/running/startedAt")?.as_str()?.parse().ok()
    }

    /// How the instance ended that ended last.
    pub(super) fn ended(&self) -> Option<&'a Value> {
        ["/state/terminated", "/lastState/terminated"]
            .iter()
            .find_map(|pointer| self.status.pointer(pointer).filter(|state| !state.is_null()))
    }

    /// A number of the readiness probe; `None` if there is no probe.
    pub(super) fn readiness_probe(&self, field: &str, default: i64) -> Option<i64> {
        let probe = self.spec?.get("readinessProbe").filter(|probe| !probe.is_null())?;
        Some(probe[field].as_i64().unwrap_or(default))
    }
}
