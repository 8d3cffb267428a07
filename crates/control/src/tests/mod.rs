//! Storage and rules, each test on SQLite and on PostgreSQL.
//!
//! [`on_both`] makes two tests of one body. The body gets a [`site::Site`]: a Landfall of its own,
//! with its own database (a file, or a schema) and simulated clusters that start when asked for.

mod account;
mod apps;
mod audit;
mod backups;
mod backups_and_deployments;
mod batches;
mod certificates;
mod clusters;
mod comparisons;
mod domains;
mod environments;
mod fleets;
#[path = "../../../harness/src/gpg.rs"]
#[allow(unreachable_pub, reason = "it is public in the crate it belongs to")]
mod gpg;
mod hooks;
mod lists;
mod observed;
mod ops;
mod origins;
mod people;
mod registry;
mod removals;
mod schema;
mod settings;
mod signatures;
pub(crate) mod site;
mod volumes;
mod work;

pub(crate) use work::ended;

/// Runs each named `async fn name(site: Site)` on both databases.
macro_rules! on_both {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        mod sqlite {
            $(
                $(#[$doc])*
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name($crate::tests::site::Site::sqlite().await).await;
                }
            )+
        }

        mod postgres {
            $(
                $(#[$doc])*
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    super::$name($crate::tests::site::Site::postgres().await).await;
                }
            )+
        }
    };
}
pub(crate) use on_both;
