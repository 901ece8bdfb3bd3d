//! Arenas with typed ids: an id of one kind of thing cannot be used for another.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

/// Names one `T` of one arena. Ids order by age.
pub struct Id<T>(u32, PhantomData<fn() -> T>);

impl<T> Id<T> {
    /// The position in the arena, for side tables and messages.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    pub(crate) fn from_index(index: usize) -> Self {
        let index = u32::try_from(index).expect("an arena holds fewer than 2^32 items");
        Self(index, PhantomData)
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Id<T> {}
impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}
impl<T> Eq for Id<T> {}
impl<T> PartialOrd for Id<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<T> Ord for Id<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.cmp(&other.0)
    }
}
impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}
impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Owns items under ids. A removed item leaves a gap: ids are never used again.
#[derive(Clone, Debug)]
pub(crate) struct Arena<T>(Vec<Option<T>>);

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Arena<T> {
    pub(crate) fn push(&mut self, item: T) -> Id<T> {
        let id = Id::from_index(self.0.len());
        self.0.push(Some(item));
        id
    }

    pub(crate) fn get(&self, id: Id<T>) -> Option<&T> {
        self.0.get(id.index())?.as_ref()
    }

    pub(crate) fn get_mut(&mut self, id: Id<T>) -> Option<&mut T> {
        self.0.get_mut(id.index())?.as_mut()
    }

    pub(crate) fn remove(&mut self, id: Id<T>) -> Option<T> {
        self.0.get_mut(id.index())?.take()
    }

    /// The living items, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (Id<T>, &T)> {
        let items = self.0.iter().enumerate();
        items.filter_map(|(index, item)| Some((Id::from_index(index), item.as_ref()?)))
    }

    /// The number of ids ever given out.
    pub(crate) fn capacity(&self) -> usize {
        self.0.len()
    }
}
