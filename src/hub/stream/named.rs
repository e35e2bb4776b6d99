//! In which slot of a stream each of its channels is.

use std::collections::HashMap;
use std::mem;

use crate::model::ChannelName;

/// Slots by the names of their channels; of one there is no table.
#[derive(Debug, Default)]
pub(super) enum Named {
    #[default]
    None,
    One(ChannelName, u32),
    #[expect(clippy::box_collection, reason = "as small as one, which is usual")]
    Many(Box<HashMap<ChannelName, u32>>),
}

impl Named {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(..) => 1,
            Self::Many(all) => all.len(),
        }
    }

    pub(super) fn get(&self, name: &ChannelName) -> Option<u32> {
        match self {
            Self::None => None,
            Self::One(only, slot) => (only == name).then_some(*slot),
            Self::Many(all) => all.get(name).copied(),
        }
    }

    pub(super) fn insert(&mut self, name: ChannelName, slot: u32) {
        match self {
            Self::None => *self = Self::One(name, slot),
            Self::One(..) => {
                let mut all = HashMap::from([(name, slot)]);
                if let Self::One(first, slot) = mem::take(self) {
                    all.entry(first).or_insert(slot);
                }
                *self = Self::Many(Box::new(all));
            }
            Self::Many(all) => _ = all.insert(name, slot),
        }
    }

    pub(super) fn remove(&mut self, name: &ChannelName) {
        match self {
            Self::One(only, _) if only == name => *self = Self::None,
            Self::None | Self::One(..) => {}
            Self::Many(all) => _ = all.remove(name),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&ChannelName, u32)> {
        let (one, many) = match self {
            Self::None => (None, None),
            Self::One(name, slot) => (Some((name, *slot)), None),
            Self::Many(all) => (None, Some(all.iter())),
        };
        let many = many.into_iter().flatten();
        one.into_iter()
            .chain(many.map(|(name, slot)| (name, *slot)))
    }

    /// Gives back room that the gone have left.
    pub(super) fn shrink(&mut self) {
        if let Self::Many(all) = self {
            all.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_keeps_its_slot_while_others_come_and_go() {
        let texts = ["a", "b", "c"].map(|name| ChannelName::new(name).unwrap());
        let mut named = Named::default();
        let known = |named: &Named| {
            let by_name = texts.each_ref().map(|name| named.get(name));
            let mut all: Vec<_> = named.iter().map(|(_, slot)| slot).collect();
            all.sort_unstable();
            assert_eq!(all, by_name.into_iter().flatten().collect::<Vec<_>>());
            assert_eq!(all.len(), named.len());
            by_name
        };
        assert_eq!(known(&named), [None, None, None]);
        named.remove(&texts[0]);
        named.insert(texts[0].clone(), 0);
        named.remove(&texts[1]);
        assert_eq!(known(&named), [Some(0), None, None]);
        named.insert(texts[1].clone(), 1);
        named.insert(texts[2].clone(), 2);
        assert_eq!(known(&named), [Some(0), Some(1), Some(2)]);
        named.remove(&texts[1]);
        named.shrink();
        assert_eq!(known(&named), [Some(0), None, Some(2)]);
        named.insert(texts[0].clone(), 1);
        assert_eq!(known(&named), [Some(1), None, Some(2)]);
        named.remove(&texts[0]);
        named.remove(&texts[2]);
        assert_eq!(known(&named), [None, None, None]);
        named.insert(texts[1].clone(), 1);
        assert_eq!(known(&named), [None, Some(1), None]);
    }
}
