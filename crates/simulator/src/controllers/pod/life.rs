//! A pod's life: a node, its images, its containers, readiness, the end.

use std::time::Duration;

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::{
    record::{self, ContainerState},
    room, voice,
};
use crate::{
    bootstrap::NODE,
    cluster::{Cluster, DeleteOptions, EventSource, Part, WriteOptions},
    faults::{self, Fault},
    object,
    status::StatusError,
};

const SCHEDULER: EventSource = EventSource::controller("default-scheduler");
const KUBELET: EventSource = EventSource { component: "kubelet", host: NODE };
/// How often something that is not there yet is looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(100);
/// Kubernetes' own bound: a back-off doubles up to thirty times the first.
const LONGEST_BACK_OFF: u32 = 30;
/// How often a failing readiness probe is reported.
const PROBE_PERIOD: Duration = Duration::from_secs(5);

/// Plays the pod until it is deleted.
pub(super) async fn live(
    cluster: Cluster,
    namespace: Box<str>,
    name: Box<str>,
    uid: Box<str>,
    deletion: CancellationToken,
) {
    let pod = Pod { cluster, namespace, name, uid };
    if let Some(Err(error)) = deletion.run_until_cancelled(pod.work()).await
        && !error.is_not_found()
    {
        tracing::warn!(%error, pod = &*pod.name, "a simulated pod stands still");
    }
    // Whether it worked or stood still: it stays as it is until someone deletes it.
    deletion.cancelled().await;
    pod.stop().await;
}

struct Pod {
    cluster: Cluster,
    namespace: Box<str>,
    name: Box<str>,
    uid: Box<str>,
}

impl Pod {
    async fn work(&self) -> Result<(), StatusError> {
        self.schedule().await?;
        let pod = self.read()?;
        match record::phase(&pod) {
            "Succeeded" | "Failed" => return Ok(()),
            // The process was restarted under a pod that ran.
            "Running" if record::is_ready(&pod) => {
                self.speak(&pod, voice::starting);
                return Ok(());
            }
            _ => {}
        }
        match faults::of(&pod) {
            Some(Fault::ImagePull) => self.never_pull().await,
            Some(Fault::CrashLoop) => {
                self.pull().await?;
                self.crash(1).await
            }
            Some(Fault::OutOfMemory) => {
                self.pull().await?;
                self.crash(record::OUT_OF_MEMORY).await
            }
            Some(Fault::NeverReady) => {
                self.pull().await?;
                self.start()?;
                self.never_ready().await
            }
            None => {
                self.pull().await?;
                self.start()?;
                self.serve_or_finish().await
            }
        }
    }

    /// Waits for the pod's volumes, then takes it to the node.
    async fn schedule(&self) -> Result<(), StatusError> {
        let pod = self.read()?;
        if object::text(&pod, &["spec", "nodeName"]).is_empty() {
            pause(self.cluster.timing().schedule).await;
            let mut told = String::new();
            while let Some(why) = self.held_back(&pod) {
                if told != why {
                    object_condition(self, "PodScheduled", "False", "Unschedulable", &why)?;
                    self.cluster.emit(SCHEDULER, &pod, "", "Warning", "FailedScheduling", &why);
                    told = why;
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            }
            let options = WriteOptions::default();
            self.cluster.update(
                "pods",
                &self.namespace,
                &self.name,
                Part::Main,
                &options,
                |pod| {
                    object::map_mut(pod, "spec").insert("nodeName".to_owned(), json!(NODE));
                    Ok(())
                },
            )?;
            let text = format!("Successfully assigned {}/{} to {NODE}", self.namespace, self.name);
            self.cluster.emit(SCHEDULER, &pod, "", "Normal", "Scheduled", &text);
        }
        if record::phase(&self.read()?) == "Running" {
            return Ok(());
        }
        self.write(record::scheduled)
    }

    /// Why no node takes the pod yet, in the scheduler's words.
    fn held_back(&self, pod: &Value) -> Option<String> {
        if let Some(claim) = self.unbound_claim(pod) {
            let store = self.cluster.store();
            let found = store.get("persistentvolumeclaims", &self.namespace, &claim);
            return Some(match found {
                Some(_) => "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found".to_owned(),
                None => format!("0/1 nodes are available: persistentvolumeclaim \"{claim}\" not found. not found"),
            });
        }
        let node = self.cluster.store().get("nodes", "", NODE)?;
        room::lacks(pod, &node.value())
    }

    /// The first claim among the pod's volumes that has no volume yet.
    fn unbound_claim(&self, pod: &Value) -> Option<String> {
        let claims = object::list(pod, &["spec", "volumes"]).iter();
        let mut names =
            claims.map(|volume| object::text(volume, &["persistentVolumeClaim", "claimName"]));
        names.find(|claim| !claim.is_empty() && !self.is_bound(claim)).map(str::to_owned)
    }

    fn is_bound(&self, claim: &str) -> bool {
        let found = self.cluster.store().get("persistentvolumeclaims", &self.namespace, claim);
        found.is_some_and(|claim| object::text(&claim.value(), &["status", "phase"]) == "Bound")
    }

    async fn pull(&self) -> Result<(), StatusError> {
        let pod = self.read()?;
        for_each_container(&pod, |path, image| {
            self.cluster.emit(
                KUBELET,
                &pod,
                path,
                "Normal",
                "Pulling",
                &format!("Pulling image \"{image}\""),
            );
        });
        let pulling = self.cluster.timing().image_pull;
        pause(pulling).await;
        for_each_container(&pod, |path, image| {
            let text =
                format!("Successfully pulled image \"{image}\" in {}ms", pulling.as_millis());
            self.cluster.emit(KUBELET, &pod, path, "Normal", "Pulled", &text);
        });
        Ok(())
    }

    async fn never_pull(&self) -> Result<(), StatusError> {
        let pod = self.read()?;
        let image = first_container(&pod, "image").to_owned();
        let missing = format!(
            "failed to pull and unpack image \"{image}\": failed to resolve reference \"{image}\": {image}: not found"
        );
        let mut back_off = BackOff::new(self.cluster.timing().back_off);
        loop {
            for_each_container(&pod, |path, image| {
                self.cluster.emit(
                    KUBELET,
                    &pod,
                    path,
                    "Normal",
                    "Pulling",
                    &format!("Pulling image \"{image}\""),
                );
            });
            pause(self.cluster.timing().image_pull).await;
            self.set(&ContainerState::Waiting {
                reason: "ErrImagePull",
                message: missing.clone(),
            })?;
            for_each_container(&pod, |path, image| {
                let text = format!(
                    "Failed to pull image \"{image}\": rpc error: code = NotFound desc = {missing}"
                );
                self.cluster.emit(KUBELET, &pod, path, "Warning", "Failed", &text);
                self.cluster.emit(KUBELET, &pod, path, "Warning", "Failed", "Error: ErrImagePull");
            });
            let wait = back_off.next();
            pause(wait / 2).await;
            let message = format!("Back-off pulling image \"{image}\"");
            self.set(&ContainerState::Waiting {
                reason: "ImagePullBackOff",
                message: message.clone(),
            })?;
            for_each_container(&pod, |path, _| {
                self.cluster.emit(KUBELET, &pod, path, "Normal", "BackOff", &message);
                self.cluster.emit(
                    KUBELET,
                    &pod,
                    path,
                    "Warning",
                    "Failed",
                    "Error: ImagePullBackOff",
                );
            });
            pause(wait / 2).await;
        }
    }

    /// Makes the containers; they run and are not ready yet.
    fn start(&self) -> Result<(), StatusError> {
        let pod = self.read()?;
        for_each_container(&pod, |path, _| {
            let name = path.trim_start_matches("spec.containers{").trim_end_matches('}');
            self.cluster.emit(
                KUBELET,
                &pod,
                path,
                "Normal",
                "Created",
                &format!("Created container: {name}"),
            );
            self.cluster.emit(
                KUBELET,
                &pod,
                path,
                "Normal",
                "Started",
                &format!("Started container {name}"),
            );
        });
        for container in record::containers(&pod, "initContainers") {
            let name = object::text(container, &["name"]);
            self.cluster.logs().start(&self.uid, name);
            self.cluster.logs().append(&self.uid, name, &voice::finishing(container));
            self.cluster.logs().finish(&self.uid, name);
        }
        self.speak(&pod, voice::starting);
        let ip = address(&self.uid);
        self.write(|pod| {
            record::addressed(pod, &ip);
            record::initialised(pod);
            record::set_containers(pod, &ContainerState::Running { ready: false });
        })
    }

    async fn serve_or_finish(&self) -> Result<(), StatusError> {
        let pod = self.read()?;
        let timing = self.cluster.timing();
        if matches!(object::text(&pod, &["spec", "restartPolicy"]), "Never" | "OnFailure") {
            pause(faults::ready_after(&pod).unwrap_or(timing.job_run)).await;
            each_name(&pod, |container, name| {
                self.cluster.logs().append(&self.uid, name, &voice::finishing(container));
                self.cluster.logs().finish(&self.uid, name);
            });
            return self.set(&ContainerState::Terminated { exit_code: 0 });
        }
        pause(faults::ready_after(&pod).unwrap_or(timing.ready)).await;
        each_name(&pod, |container, name| {
            self.cluster.logs().append(&self.uid, name, &voice::ready(container));
        });
        self.set(&ContainerState::Running { ready: true })
    }

    async fn crash(&self, exit_code: i64) -> Result<(), StatusError> {
        let always = object::text(&self.read()?, &["spec", "restartPolicy"]) != "Never";
        let mut back_off = BackOff::new(self.cluster.timing().back_off);
        loop {
            self.start()?;
            let pod = self.read()?;
            pause(self.cluster.timing().ready / 2).await;
            each_name(&pod, |container, name| {
                self.cluster.logs().append(&self.uid, name, &voice::failing(container, exit_code));
                self.cluster.logs().finish(&self.uid, name);
            });
            if !always {
                return self.set(&ContainerState::Terminated { exit_code });
            }
            let wait = back_off.next();
            let first = first_container(&pod, "name");
            let message = format!(
                "back-off {}s restarting failed container={first} pod={}_{}({})",
                wait.as_secs().max(1),
                self.name,
                self.namespace,
                self.uid
            );
            self.set(&ContainerState::BackingOff { exit_code, message })?;
            for_each_container(&pod, |path, _| {
                let name = path.trim_start_matches("spec.containers{").trim_end_matches('}');
                let text = format!(
                    "Back-off restarting failed container {name} in pod {}_{}({})",
                    self.name, self.namespace, self.uid
                );
                self.cluster.emit(KUBELET, &pod, path, "Warning", "BackOff", &text);
            });
            pause(wait).await;
        }
    }

    async fn never_ready(&self) -> Result<(), StatusError> {
        let pod = self.read()?;
        pause(self.cluster.timing().ready).await;
        loop {
            for_each_container(&pod, |path, _| {
                let text = "Readiness probe failed: HTTP probe failed with statuscode: 503";
                self.cluster.emit(KUBELET, &pod, path, "Warning", "Unhealthy", text);
            });
            tokio::time::sleep(PROBE_PERIOD).await;
        }
    }

    /// Ends the containers, then removes the pod: its deletion has begun.
    async fn stop(&self) {
        let Ok(pod) = self.read() else { return };
        if !object::is_deleting(&pod) {
            return;
        }
        if record::phase(&pod) == "Running" {
            for_each_container(&pod, |path, _| {
                let name = path.trim_start_matches("spec.containers{").trim_end_matches('}');
                self.cluster.emit(
                    KUBELET,
                    &pod,
                    path,
                    "Normal",
                    "Killing",
                    &format!("Stopping container {name}"),
                );
            });
            let grace =
                object::integer(&pod, &["metadata", "deletionGracePeriodSeconds"]).unwrap_or(0);
            let grace = Duration::from_secs(u64::try_from(grace).unwrap_or(0));
            pause(self.cluster.timing().stop.min(grace)).await;
            each_name(&pod, |_, name| {
                self.cluster.logs().append(&self.uid, name, "SIGTERM received, stopping");
                self.cluster.logs().finish(&self.uid, name);
            });
        }
        let options = DeleteOptions::at_once(&self.uid);
        if let Err(error) = self.cluster.delete("pods", &self.namespace, &self.name, &options)
            && !error.is_not_found()
        {
            tracing::warn!(%error, pod = &*self.name, "a simulated pod could not be removed");
        }
    }

    /// The pod as it is; not found if it is another one of the same name.
    fn read(&self) -> Result<Value, StatusError> {
        let stored = self.cluster.get("pods", &self.namespace, &self.name)?;
        if stored.uid == self.uid {
            Ok(stored.value())
        } else {
            Err(StatusError::not_found(&stored.kind, &self.name))
        }
    }

    fn write(&self, mut change: impl FnMut(&mut Value)) -> Result<(), StatusError> {
        self.read()?;
        self.cluster
            .update_status("pods", &self.namespace, &self.name, |pod| change(pod))
            .map(|_| ())
    }

    fn set(&self, state: &ContainerState) -> Result<(), StatusError> {
        self.write(|pod| record::set_containers(pod, state))
    }

    /// Begins a run of each container's log with the lines that `voice` gives.
    fn speak(&self, pod: &Value, lines: impl Fn(&Value, &Value) -> Vec<String>) {
        each_name(pod, |container, name| {
            self.cluster.logs().start(&self.uid, name);
            for line in lines(pod, container) {
                self.cluster.logs().append(&self.uid, name, &line);
            }
        });
    }
}

/// Calls with the `fieldPath` and the image of each container.
fn for_each_container(pod: &Value, mut each: impl FnMut(&str, &str)) {
    each_name(pod, |container, name| {
        each(&format!("spec.containers{{{name}}}"), object::text(container, &["image"]));
    });
}

fn each_name(pod: &Value, mut each: impl FnMut(&Value, &str)) {
    for container in record::containers(pod, "containers") {
        each(container, object::text(container, &["name"]));
    }
}

fn first_container<'a>(pod: &'a Value, field: &str) -> &'a str {
    record::containers(pod, "containers")
        .first()
        .map_or("", |container| object::text(container, &[field]))
}

fn object_condition(
    pod: &Pod,
    kind: &str,
    status: &str,
    reason: &str,
    message: &str,
) -> Result<(), StatusError> {
    pod.write(|value| {
        object::map_mut(value, "status").entry("phase").or_insert_with(|| json!("Pending"));
        object::set_condition(value, kind, status, reason, message);
    })
}

/// An address out of the pod network, the same for the same pod.
fn address(uid: &str) -> String {
    let number =
        uid.bytes().fold(7_u32, |hash, byte| hash.wrapping_mul(31).wrapping_add(u32::from(byte)));
    format!("10.244.{}.{}", (number >> 8) & 0xff, (number & 0xff).max(2))
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

/// Waiting times that double.
struct BackOff {
    first: Duration,
    factor: u32,
}

impl BackOff {
    fn new(first: Duration) -> Self {
        Self { first, factor: 1 }
    }

    fn next(&mut self) -> Duration {
        let wait = self.first * self.factor;
        self.factor = (self.factor * 2).min(LONGEST_BACK_OFF);
        wait
    }
}
