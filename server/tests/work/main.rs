//! Work through the interface.

#![cfg(test)]

mod life;
mod limits;
mod people;
#[path = "../support/mod.rs"]
mod support;

use serde_json::Value;

fn lease_path(lease: &Value, act: &str) -> String {
    format!("POST /leases/{}/{act}", lease["lease_id"].as_str().unwrap())
}
