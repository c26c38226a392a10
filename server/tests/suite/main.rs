//! The interface asked through its router, and the binary as people start it.
//! One program: each test program would carry all of the pages, and be linked, for itself.

#![cfg(test)]

mod acts;
mod baton;
mod bounds;
mod cli;
mod demo;
mod events;
mod half_open;
mod idempotency;
mod keys;
mod permissions;
mod removal;
mod snippets;
mod support;
mod surroundings;
mod what_if;
mod work;
