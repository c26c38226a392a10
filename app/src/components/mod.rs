//! What pages are made of: one component per file.

pub mod hydration;
pub mod theme_switch;
