//! [`Kept`]: which dimensions of an array stay.

/// Which dimensions of an array stay.
pub(super) struct Kept(Vec<bool>);

impl Kept {
    /// Those that are not of size 1.
    pub(super) fn larger_than_one(dimensions: &[usize]) -> Self {
        Self(dimensions.iter().map(|&size| size != 1).collect())
    }

    /// Those, of `rank`, for which `stays` holds.
    pub(super) fn new(rank: usize, stays: impl FnMut(usize) -> bool) -> Self {
        Self((0..rank).map(stays).collect())
    }

    /// Does a dimension stay?
    pub(super) fn contains(&self, dimension: usize) -> bool {
        self.0[dimension]
    }

    /// The items, one per dimension, of those that stay.
    pub(super) fn of<T: Clone>(&self, items: &[T]) -> Vec<T> {
        let items = items.iter().zip(&self.0);
        items.filter(|&(_, &kept)| kept).map(|(item, _)| item.clone()).collect()
    }

    /// The numbers that those of `dimensions` that stay have then, in the given order.
    pub(super) fn renumber(&self, dimensions: &[usize]) -> Vec<usize> {
        let kept = dimensions.iter().filter(|&&dimension| self.0[dimension]);
        kept.map(|&dimension| self.new_number(dimension)).collect()
    }

    /// How many dimensions before `dimension` stay: its new number, if it stays.
    pub(super) fn new_number(&self, dimension: usize) -> usize {
        self.0[..dimension].iter().filter(|&&kept| kept).count()
    }

    /// How many stay.
    pub(super) fn count(&self) -> usize {
        self.new_number(self.0.len())
    }
}
