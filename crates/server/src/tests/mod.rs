//! The whole HTTP side in process, on a SQLite of its own with simulated clusters in memory: real
//! router, real `control`, no socket but the chart repository's.

mod access;
mod adoption;
mod api;
mod backups;
mod clusters;
mod live;
mod pages;
mod people;
mod removal;
mod rights;
mod settings;
mod site;
mod values;
