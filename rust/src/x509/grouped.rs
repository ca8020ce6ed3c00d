//! Values under keys that may repeat, in order of first appearance: how a JavaScript object collects them.

use std::borrow::Cow;
use std::collections::HashMap;
use std::mem;
use std::slice;

/// Each key with its values.
pub type Groups<'a> = Vec<(Cow<'static, str>, Values<'a>)>;

/// The values of one key. Nearly every key has one, for which nothing is allocated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values<'a> {
    /// The only one.
    One(Cow<'a, str>),
    /// All of them, in order.
    Many(Vec<Cow<'a, str>>),
}

impl<'a> Values<'a> {
    /// All of them, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Cow<'a, str>] {
        match self {
            Self::One(value) => slice::from_ref(value),
            Self::Many(values) => values,
        }
    }

    fn push(&mut self, value: Cow<'a, str>) {
        match self {
            Self::One(first) => *self = Self::Many(vec![mem::take(first), value]),
            Self::Many(values) => values.push(value),
        }
    }
}

/// So many keys are compared one after the other: to hash them takes longer.
const FEW: usize = 16;

/// Groups in the making; a key is found in constant time, however many there are.
#[derive(Default)]
pub(super) struct Grouped<'a> {
    groups: Groups<'a>,
    /// Where each key is, once there are more than a few.
    places: Option<HashMap<Cow<'static, str>, usize>>,
}

impl<'a> Grouped<'a> {
    pub(super) fn push(&mut self, key: Cow<'static, str>, value: Cow<'a, str>) {
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
        self.groups.push((key, Values::One(value)));
    }

    pub(super) fn into_groups(self) -> Groups<'a> {
        self.groups
    }
}
