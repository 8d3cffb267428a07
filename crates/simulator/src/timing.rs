//! How long things take in a simulated cluster.

use std::time::Duration;

/// Delays of a simulated cluster. [`Timing::default`] is believable, [`Timing::instant`] is for
/// tests.
#[derive(Debug, Clone, PartialEq)]
pub struct Timing {
    /// From a pod's creation to its node.
    pub schedule: Duration,
    /// Pulling a container's image.
    pub image_pull: Duration,
    /// From a started container to a ready one, where no annotation says otherwise.
    pub ready: Duration,
    /// How long a Job's container runs.
    pub job_run: Duration,
    /// From a pod's deletion to its end; the grace period bounds it.
    pub stop: Duration,
    /// Until a `PersistentVolumeClaim` is bound.
    pub volume_bind: Duration,
    /// Until a `LoadBalancer` Service or an Ingress has its address.
    pub address: Duration,
    /// First back-off of a crashing container or an image that cannot be pulled; it doubles up to
    /// thirty times this. Kubernetes has ten seconds.
    pub back_off: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            schedule: Duration::from_millis(50),
            image_pull: Duration::from_millis(900),
            ready: Duration::from_millis(1_200),
            job_run: Duration::from_millis(1_500),
            stop: Duration::from_millis(700),
            volume_bind: Duration::from_millis(400),
            address: Duration::from_millis(1_500),
            back_off: Duration::from_secs(5),
        }
    }
}

impl Timing {
    /// No waiting but for a short back-off.
    pub fn instant() -> Self {
        Self {
            schedule: Duration::ZERO,
            image_pull: Duration::ZERO,
            ready: Duration::ZERO,
            job_run: Duration::ZERO,
            stop: Duration::ZERO,
            volume_bind: Duration::ZERO,
            address: Duration::ZERO,
            back_off: Duration::from_millis(200),
        }
    }
}
