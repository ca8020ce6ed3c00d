//! Values under keys that may repeat, in order of first appearance: how a JavaScript object collects them.

use std::borrow::Cow;
use std::collections::HashMap;

/// Each key with its values.
pub type Groups = Vec<(Cow<'static, str>, Vec<String>)>;

/// So many keys are compared one after the other: to hash them takes longer.
const FEW: usize = 16;

/// Groups in the making; a key is found in constant time, however many there are.
#[derive(Default)]
pub(super) struct Grouped {
    groups: Groups,
    /// Where each key is, once there are more than a few.
    places: Option<HashMap<Cow<'static, str>, usize>>,
}

impl Grouped {
    pub(super) fn push(&mut self, key: Cow<'static, str>, value: String) {
        let place = match &self.places {
            Some(places) => places.get(&key).copied(),
            None => self.groups.iter().position(|(known, _)| *known == key),
        };
        if let Some((_, values)) = place.and_then(|place| self.groups.get_mut(place)) {
            values.push(value);
            return;
        }
        if let Some(places) = &mut self.places {
            places.insert(key.clone(), self.groups.len());
        } else if self.groups.len() == FEW {
            let keys = self.groups.iter().map(|(key, _)| key).chain([&key]);
            self.places = Some(keys.cloned().zip(0..).collect());
        }
        self.groups.push((key, vec![value]));
    }

    pub(super) fn into_groups(self) -> Groups {
        self.groups
    }
}
