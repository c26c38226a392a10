//! Work through the interface.

mod life;
mod limits;
mod people;

use serde_json::Value;

fn lease_path(lease: &Value, act: &str) -> String {
    format!("POST /leases/{}/{act}", lease["lease_id"].as_str().unwrap())
}
