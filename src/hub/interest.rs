//! Who is interested in which channels, by name or by pattern.
//!
//! Names stand in a table. Patterns stand in a tree of segments, in which the
//! wildcards `*` and `>` are segments like any other: no name has them. Finding
//! who is interested in a name costs its segments and who is found, however
//! many others there are.

use std::collections::HashMap;

/// The interests `I` in texts, each of somebody.
#[derive(Debug)]
pub(crate) struct Interest<I> {
    names: HashMap<Box<str>, HashMap<usize, I>>,
    patterns: Node<I>,
    /// How many patterns there are.
    count: usize,
}

#[derive(Debug)]
struct Node<I> {
    /// Who is interested in the text that ends here.
    here: HashMap<usize, I>,
    next: HashMap<Box<str>, Node<I>>,
}

impl<I> Node<I> {
    fn new() -> Self {
        Self {
            here: HashMap::new(),
            next: HashMap::new(),
        }
    }
}

impl<I> Interest<I> {
    /// Nobody is interested in anything.
    pub(crate) fn new() -> Self {
        Self {
            names: HashMap::new(),
            patterns: Node::new(),
            count: 0,
        }
    }

    /// Notes the interest of `who` in `text`, in place of an earlier one.
    pub(crate) fn insert(&mut self, text: &str, who: usize, interest: I) {
        if !is_pattern(text) {
            let here = self.names.entry(text.into()).or_default();
            here.insert(who, interest);
            return;
        }
        let mut node = &mut self.patterns;
        for segment in text.split('.') {
            node = node.next.entry(segment.into()).or_insert_with(Node::new);
        }
        self.count += usize::from(node.here.is_empty());
        node.here.insert(who, interest);
    }

    /// Forgets the interest of `who` in `text`.
    pub(crate) fn remove(&mut self, text: &str, who: usize) {
        if is_pattern(text) {
            let gone = remove(&mut self.patterns, text.split('.'), who);
            self.count -= usize::from(gone);
        } else if let Some(here) = self.names.get_mut(text) {
            here.remove(&who);
            if here.is_empty() {
                self.names.remove(text);
                shrink(&mut self.names);
            }
        }
    }

    /// Whose texts stand for the channel `name`: one who has several that do
    /// comes for each.
    pub(crate) fn matching(&self, name: &str) -> Vec<(usize, &I)> {
        let mut found = Vec::new();
        if let Some(here) = self.names.get(name) {
            found.extend(here.iter().map(|(who, interest)| (*who, interest)));
        }
        collect(&self.patterns, Some(name), &mut found);
        found
    }

    /// In how many texts somebody is interested.
    pub(crate) fn texts(&self) -> usize {
        self.names.len() + self.count
    }
}

fn is_pattern(text: &str) -> bool {
    text.split('.').any(|segment| matches!(segment, "*" | ">"))
}

fn shrink<K: Eq + std::hash::Hash, V>(map: &mut HashMap<K, V>) {
    if map.capacity() > 64 + 4 * map.len() {
        map.shrink_to_fit();
    }
}

/// Tells whether nobody is interested in the text any more who was before.
fn remove<'a, I>(
    node: &mut Node<I>,
    mut segments: impl Iterator<Item = &'a str>,
    who: usize,
) -> bool {
    let Some(segment) = segments.next() else {
        return node.here.remove(&who).is_some() && node.here.is_empty();
    };
    let Some(next) = node.next.get_mut(segment) else {
        return false;
    };
    let gone = remove(next, segments, who);
    if next.here.is_empty() && next.next.is_empty() {
        node.next.remove(segment);
        shrink(&mut node.next);
    }
    gone
}

fn collect<'a, I>(node: &'a Node<I>, name: Option<&str>, found: &mut Vec<(usize, &'a I)>) {
    let Some(name) = name else {
        found.extend(node.here.iter().map(|(who, interest)| (*who, interest)));
        return;
    };
    let (segment, rest) = match name.split_once('.') {
        Some((segment, rest)) => (segment, Some(rest)),
        None => (name, None),
    };
    for next in [segment, "*"].iter().filter_map(|key| node.next.get(*key)) {
        collect(next, rest, found);
    }
    if let Some(all) = node.next.get(">") {
        collect(all, None, found);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(segments: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(segments), 1..5).prop_map(|s| s.join("."))
    }

    fn stands_for(text: &str, name: &str) -> bool {
        let (texts, names): (Vec<_>, Vec<_>) =
            (text.split('.').collect(), name.split('.').collect());
        let is_open = texts.last() == Some(&">");
        let fits = if is_open {
            names.len() >= texts.len()
        } else {
            names.len() == texts.len()
        };
        let mut pairs = texts.iter().zip(&names);
        fits && pairs.all(|(text, name)| ["*", ">", *name].contains(text))
    }

    proptest! {
        #[test]
        fn it_finds_whom_each_text_by_itself_would(
            texts in prop::collection::vec(text(&["a", "b", "*"]), 0..20),
            open in prop::collection::vec(any::<bool>(), 20),
            gone in prop::collection::vec(any::<bool>(), 20),
            name in text(&["a", "b", "c"]),
        ) {
            let close = |(text, open)| if open { format!("{text}.>") } else { text };
            let texts: Vec<String> = texts.into_iter().zip(open).map(close).collect();
            let mut interest = Interest::new();
            for (who, text) in texts.iter().enumerate() {
                interest.insert(text, who, ());
            }
            for who in (0..texts.len()).filter(|who| gone[*who]) {
                interest.remove(&texts[who], who);
            }
            let mut found: Vec<_> = interest.matching(&name).iter().map(|f| f.0).collect();
            found.sort_unstable();
            let stays = |who: &usize| !gone[*who];
            let expected: Vec<_> = (0..texts.len())
                .filter(stays)
                .filter(|who| stands_for(&texts[*who], &name))
                .collect();
            prop_assert_eq!(found, expected);
            for who in (0..texts.len()).filter(stays) {
                interest.remove(&texts[who], who);
            }
            prop_assert_eq!(interest.texts(), 0);
            prop_assert!(interest.patterns.next.is_empty(), "nothing is left behind");
        }
    }
}
