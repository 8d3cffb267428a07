//! A container needs more memory than it may use.

use super::Finding;
use super::container::Container;
use super::crash_loop::{ended, restarted};
use super::scene::PodScene;

pub(super) fn find(scene: &PodScene<'_>) -> Option<Finding> {
    let container = Container::all(scene.pod).find(|container| {
        let ended = container.ended().is_some_and(|ended| ended["reason"] == "OOMKilled");
        ended && !container.is_ready()
    })?;
    let limit = container.memory_limit();
    let may = limit.map_or_else(String::new, |limit| format!("its limit is {limit}, "));
    let name = container.name;
    let text = format!(
        "container \"{name}\" runs out of memory ({may}{})",
        restarted(container.restarts())
    );
    let remedy = match limit {
        Some(limit) => {
            format!("Raise the memory limit of container \"{name}\" above {limit} in the values.")
        }
        None => "Give the node more memory, or the container a limit that it keeps to.".to_owned(),
    };
    Some(ended(scene, &container, text, remedy))
}
