//! Values of some intervals: those from the first to the last that has any.

/// Values by interval; it grows to what is touched, so that a series that lived for a minute does not take room for a
/// day.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Window<T> {
    first: usize,
    values: Vec<T>,
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        Self { first: 0, values: Vec::new() }
    }
}

impl<T: Default> Window<T> {
    /// The value of an interval, a new one when it has none.
    pub(crate) fn at(&mut self, interval: usize) -> &mut T {
        if self.values.is_empty() {
            self.first = interval;
        }
        if interval < self.first {
            let new = (interval..self.first).map(|_| T::default());
            self.values.splice(0..0, new);
            self.first = interval;
        }
        let index = interval - self.first;
        if index >= self.values.len() {
            self.values.resize_with(index + 1, T::default);
        }
        &mut self.values[index]
    }

    /// The value of an interval.
    pub(crate) fn get(&self, interval: usize) -> Option<&T> {
        self.values.get(interval.checked_sub(self.first)?)
    }

    /// Values with their intervals.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        (self.first..).zip(&self.values)
    }

    /// Joins another window into this one, interval by interval.
    pub(crate) fn merge(&mut self, other: Self, join: impl Fn(&mut T, T)) {
        // Once to the end spares growing step by step.
        if !other.values.is_empty() {
            self.at(other.first + other.values.len() - 1);
        }
        for (interval, value) in (other.first..).zip(other.values) {
            join(self.at(interval), value);
        }
    }

    /// How many values there is room for.
    pub(crate) fn capacity(&self) -> usize {
        self.values.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_both_ways() {
        let mut window = Window::default();
        *window.at(5) = 1;
        *window.at(7) = 2;
        *window.at(4) = 3;
        let all: Vec<_> = window.iter().map(|(i, value)| (i, *value)).collect();
        assert_eq!(all, [(4, 3), (5, 1), (6, 0), (7, 2)]);
        assert_eq!((window.get(3), window.get(7), window.get(8)), (None, Some(&2), None));
        let mut other = Window::default();
        *other.at(2) = 10;
        other.merge(window, |own, new| *own += new);
        assert_eq!(other.get(2), Some(&10));
        assert_eq!(other.get(7), Some(&2));
    }
}
