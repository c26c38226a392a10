//! The scripts that bring the islands of a page to life, and the policy that lets only them run.

use leptos::nonce::use_nonce;
use leptos::prelude::*;

use crate::AssetUrls;

/// Loads the wasm and wakes the islands.
///
/// Written here rather than taken from the framework, whose own component puts the nonce into
/// `crossorigin` of the preload, where one browser refuses it.
#[component]
pub fn Hydration(assets: AssetUrls) -> impl IntoView {
    // Outside islands nothing hydrates, so the server need not serialise what it rendered from.
    if let Some(shared) = Owner::current_shared_context() {
        shared.set_is_hydrating(false);
    }
    let nonce = use_nonce();
    send_policy(nonce.as_ref().map(ToString::to_string).as_deref());
    let AssetUrls { script, wasm, .. } = assets;
    let start = format!(
        "{}\nstart({script:?}, {wasm:?});",
        include_str!("hydration.js")
    );
    view! {
        <link rel="modulepreload" href=script nonce=nonce.clone() />
        <link rel="preload" href=wasm r#as="fetch" r#type="application/wasm" crossorigin="" />
        <script type="module" nonce=nonce>
            {start}
        </script>
    }
}

/// Scripts run with this response's nonce only; everything else comes from this server.
fn send_policy(nonce: Option<&str>) {
    let (Some(nonce), Some(response)) = (nonce, use_context::<leptos_axum::ResponseOptions>())
    else {
        return;
    };
    let policy = format!(
        "default-src 'self'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; \
         object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    );
    if let Ok(policy) = http::HeaderValue::from_str(&policy) {
        response.insert_header(http::header::CONTENT_SECURITY_POLICY, policy);
    }
}
