//! The wasm entry: what the browser calls before it wakes the islands.

// Naming the crate keeps its islands in the wasm: each is exported by itself.
use app as _;
use wasm_bindgen::prelude::wasm_bindgen;

/// Sets up the reactive system.
#[wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
