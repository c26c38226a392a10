//! The words of decisions and explanations, rendered from recorded facts and nothing else.

mod decisions;
mod numbers;
mod outlooks;
mod waits;

pub use decisions::{headline, reasoning, state};
pub use numbers::{amount, duration, exact_money, is_rounded};
pub use outlooks::{PLAYED, outlook};
pub use waits::{blocker, code, explanation};

pub(crate) use decisions::fuse;
pub(crate) use waits::budget_stop;
