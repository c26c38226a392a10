//! The axum process: configuration, router, API, sessions and command line.

pub mod api;
pub mod assets;
pub mod auth;
pub mod check;
pub mod cli;
pub mod config;
pub mod connections;
pub mod database;
pub mod demo;
pub mod health;
pub mod input;
mod once;
pub mod paging;
pub mod password;
pub mod permission;
pub mod problem;
pub mod router;
pub mod serve;
pub mod state;
pub mod trace;
pub mod web;
pub mod words;
