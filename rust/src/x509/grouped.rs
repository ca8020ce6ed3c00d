//! Values under keys that may repeat, in order of first appearance: how a JavaScript object collects them.

use std::borrow::Cow;
use std::collections::HashMap;

/// Each key with its values.
pub type Groups = Vec<(Cow<'static, str>, Vec<String>)>;

/// Groups in the making; a key is found in constant time, however many there are.
#[derive(Default)]
pub(super) struct Grouped {
    groups: Groups,
    places: HashMap<Cow<'static, str>, usize>,
}

impl Grouped {
    pub(super) fn push(&mut self, key: Cow<'static, str>, value: String) {
        if let Some((_, values)) = self.places.get(&key).and_then(|place| self.groups.get_mut(*place)) {
            values.push(value);
        } else {
            self.places.insert(key.clone(), self.groups.len());
            self.groups.push((key, vec![value]));
        }
    }

    pub(super) fn into_groups(self) -> Groups {
        self.groups
    }
}
