//! Makes one tree of nodes like another, keeping the nodes that stay.

use leptos::wasm_bindgen::{JsCast, JsValue};
use web_sys::{Element, Node};

/// What becomes of the lists of which the reader may be looking at a row.
pub trait Lists {
    /// Makes one like the other in its own way; `false` where it is to be made like it entirely.
    fn keep(&self, shown: &Element, fresh: &Element) -> Result<bool, JsValue>;
}

/// Lists are like everything else.
pub struct Whole;

impl Lists for Whole {
    fn keep(&self, _: &Element, _: &Element) -> Result<bool, JsValue> {
        Ok(false)
    }
}

/// Makes `from` like `to`. Whether a `<details>` is open is the reader's choice and stays; so does
/// a form's one-time name, which tells a form sent twice from two, until the form was answered.
pub fn morph(from: &Node, to: &Node, lists: &impl Lists) -> Result<(), JsValue> {
    if from.is_equal_node(Some(to)) {
        return Ok(());
    }
    if from.node_name() != to.node_name() {
        if let Some(parent) = from.parent_node() {
            parent.replace_child(&to.clone_node_with_deep(true)?, from)?;
        }
        return Ok(());
    }
    if let (Some(from), Some(to)) = (from.dyn_ref::<Element>(), to.dyn_ref::<Element>()) {
        if lists.keep(from, to)? {
            return Ok(());
        }
        attributes(from, to)?;
        children(from, to, lists)
    } else {
        from.set_node_value(to.node_value().as_deref());
        Ok(())
    }
}

fn attributes(from: &Element, to: &Element) -> Result<(), JsValue> {
    let once = from.get_attribute("name").as_deref() == Some("once");
    let kept = |name: &str| match name {
        "open" => from.local_name() == "details",
        "value" => once,
        _ => name == "aria-busy",
    };
    for name in from.get_attribute_names() {
        let Some(name) = name.as_string() else {
            continue;
        };
        if !to.has_attribute(&name) && !kept(&name) {
            from.remove_attribute(&name)?;
        }
    }
    for name in to.get_attribute_names() {
        let Some(name) = name.as_string() else {
            continue;
        };
        let value = to.get_attribute(&name);
        if from.get_attribute(&name) != value && !kept(&name) {
            from.set_attribute(&name, value.as_deref().unwrap_or_default())?;
        }
    }
    Ok(())
}

/// Child by child; those with a `data-key` are found again wherever they moved. What is gone goes
/// first: a node that had to step around it would lose the focus.
fn children(from: &Element, to: &Element, lists: &impl Lists) -> Result<(), JsValue> {
    let stay: Vec<_> = nodes(to).filter_map(|node| key(&node)).collect();
    let gone = nodes(from).filter(|node| key(node).is_some_and(|key| !stay.contains(&key)));
    for gone in gone.collect::<Vec<_>>() {
        from.remove_child(&gone)?;
    }
    let mut at = from.first_child();
    let mut wanted = to.first_child();
    while let Some(next) = wanted {
        wanted = next.next_sibling();
        let found = match key(&next) {
            Some(wanted) => keyed(at.clone(), &wanted),
            None => at.clone().filter(|at| key(at).is_none()),
        };
        match found {
            Some(found) => {
                if at.as_ref() == Some(&found) {
                    at = found.next_sibling();
                } else {
                    from.insert_before(&found, at.as_ref())?;
                }
                morph(&found, &next, lists)?;
            }
            None => {
                from.insert_before(&next.clone_node_with_deep(true)?, at.as_ref())?;
            }
        }
    }
    while let Some(gone) = at {
        at = gone.next_sibling();
        from.remove_child(&gone)?;
    }
    Ok(())
}

fn nodes(parent: &Element) -> impl Iterator<Item = Node> {
    std::iter::successors(parent.first_child(), Node::next_sibling)
}

/// The node of that key among `first` and its following siblings.
fn keyed(first: Option<Node>, wanted: &str) -> Option<Node> {
    std::iter::successors(first, Node::next_sibling)
        .find(|node| key(node).as_deref() == Some(wanted))
}

fn key(node: &Node) -> Option<String> {
    node.dyn_ref::<Element>()?.get_attribute("data-key")
}
