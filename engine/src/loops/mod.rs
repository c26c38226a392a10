//! Small loops beside the conductors, each with a `tick` that does its work once.

mod behind;
pub(crate) mod gauges;
pub(crate) mod history;
pub(crate) mod retention;

pub(crate) mod safety_net;
pub(crate) mod sums;
pub(crate) mod words;
