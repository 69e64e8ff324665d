//! A few things by their ids.

use super::Id;

/// At most a few dozen things, each with an id of its own, in the ids' order. For so few a list is
/// smaller than a tree, in memory and in code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ById<T>(Vec<(Id, T)>);

impl<T> ById<T> {
    fn place(&self, id: Id) -> Result<usize, usize> {
        self.0.binary_search_by_key(&id, |(other, _)| *other)
    }

    /// The thing of that id.
    #[must_use]
    pub fn get(&self, id: &Id) -> Option<&T> {
        let place = self.place(*id).ok()?;
        self.0.get(place).map(|(_, thing)| thing)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: &Id) -> Option<&mut T> {
        let place = self.place(*id).ok()?;
        self.0.get_mut(place).map(|(_, thing)| thing)
    }

    /// Whether there is one of that id.
    #[must_use]
    pub fn contains_key(&self, id: &Id) -> bool {
        self.place(*id).is_ok()
    }

    /// Puts a thing in the place of what had that id.
    pub fn insert(&mut self, id: Id, thing: T) {
        match self.place(id) {
            Ok(_) => {
                if let Some(there) = self.get_mut(&id) {
                    *there = thing;
                }
            }
            Err(place) => self.0.insert(place, (id, thing)),
        }
    }

    /// Puts a thing where there is none of that id.
    pub fn or_insert_with(&mut self, id: Id, thing: impl FnOnce() -> T) {
        if let Err(place) = self.place(id) {
            self.0.insert(place, (id, thing()));
        }
    }

    /// Removes all whose ids are not wanted.
    pub fn retain(&mut self, wanted: impl Fn(Id) -> bool) {
        self.0.retain(|(id, _)| wanted(*id));
    }

    /// All of them, in the ids' order.
    pub fn iter(&self) -> std::slice::Iter<'_, (Id, T)> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Default for ById<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'a, T> IntoIterator for &'a ById<T> {
    type Item = &'a (Id, T);
    type IntoIter = std::slice::Iter<'a, (Id, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> FromIterator<(Id, T)> for ById<T> {
    fn from_iter<I: IntoIterator<Item = (Id, T)>>(things: I) -> Self {
        let mut all = Self::default();
        for (id, thing) in things {
            all.insert(id, thing);
        }
        all
    }
}

impl<T, const N: usize> From<[(Id, T); N]> for ById<T> {
    fn from(things: [(Id, T); N]) -> Self {
        things.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_later_of_one_id_stays() {
        let id = |n| Id::new([0, 0, 0, n]);
        let mut all: ById<_> = [(id(2), 'b'), (id(1), 'a'), (id(2), 'c')].into();
        assert_eq!(all.iter().copied().collect::<Vec<_>>(), [(id(1), 'a'), (id(2), 'c')]);
        assert_eq!((all.get(&id(2)), all.get(&id(3))), (Some(&'c'), None));
        *all.get_mut(&id(1)).unwrap() = 'd';
        all.retain(|kept| kept == id(1));
        assert_eq!((all.len(), all.get(&id(1)), all.contains_key(&id(2))), (1, Some(&'d'), false));
    }
}
