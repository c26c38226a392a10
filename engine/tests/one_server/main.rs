//! A pool decided in one process: what is asked, answered, remembered, heard.

#![cfg(test)]

mod holding;
mod memory;
mod once;
#[path = "../support/mod.rs"]
mod support;
mod work;
