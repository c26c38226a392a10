//! Copies the text it stands beside.

use leptos::prelude::*;

/// The button. Without scripting it is hidden, and the text can be selected.
#[island]
pub fn Copy() -> impl IntoView {
    let copied = RwSignal::new(false);
    let button = NodeRef::<leptos::html::Button>::new();
    #[cfg(feature = "hydrate")]
    let copy = move |_| {
        leptos::task::spawn_local(async move {
            if let Some(button) = button.get_untracked() {
                copied.set(text_beside(&button).await.is_ok());
            }
        });
    };
    #[cfg(not(feature = "hydrate"))]
    let copy = |_| {};
    view! {
        <button type="button" class="copy" node_ref=button on:click=copy>
            {move || if copied.get() { "Copied" } else { "Copy" }}
        </button>
    }
}

#[cfg(feature = "hydrate")]
async fn text_beside(button: &web_sys::HtmlElement) -> Result<(), leptos::wasm_bindgen::JsValue> {
    let code = button
        .closest(".snippet")?
        .and_then(|snippet| snippet.query_selector("code").ok().flatten());
    let text = code.and_then(|code| code.text_content());
    // Only secure pages have a clipboard; elsewhere this is refused and nothing is claimed.
    let written = window()
        .navigator()
        .clipboard()
        .write_text(&text.unwrap_or_default());
    wasm_bindgen_futures::JsFuture::from(written)
        .await
        .map(drop)
}
