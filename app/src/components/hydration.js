// Wakes the islands of the page, outermost first. Server-rendered children of an island
// stand in <leptos-children>; islands among them wake within the outer one's context.
async function wake(node, enter, islands) {
  if (node.localName === "leptos-island") {
    enter?.();
    await islands[node.dataset.component]?.(node);
  }
  const inner = node.localName === "leptos-children" ? node.$$on_hydrate : enter;
  for (const child of [...node.children]) await wake(child, inner, islands);
}

async function start(script, wasm) {
  const islands = await import(script);
  await islands.default({ module_or_path: wasm });
  islands.hydrate();
  await wake(document.body, undefined, islands);
  document.documentElement.dataset.awake = "";
}
