//! Storage: connections, migrations, ids, paging.

pub mod ids;
pub mod paging;
