//! The demo's product and its story: what is released, and in which order it is shown.

pub(crate) mod product;
pub(crate) mod story;

pub(crate) use product::Product;
