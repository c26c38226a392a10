//! Things kept in one vector and named by small numbers, which are used again when things go.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// A number that names a thing in an [`Arena`].
pub(crate) trait Ix: Copy + Ord {
    fn new(at: u32) -> Self;
    fn at(self) -> usize;
}

macro_rules! ix {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(u32);

        impl crate::arena::Ix for $name {
            fn new(at: u32) -> Self {
                Self(at)
            }
            fn at(self) -> usize {
                self.0 as usize
            }
        }
    )+};
}
pub(crate) use ix;

/// A vector with holes.
#[derive(Clone, Debug)]
pub(crate) struct Arena<I, T> {
    items: Vec<Option<T>>,
    free: Vec<u32>,
    of: PhantomData<I>,
}

impl<I, T> Default for Arena<I, T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            free: Vec::new(),
            of: PhantomData,
        }
    }
}

impl<I: Ix, T> Arena<I, T> {
    pub(crate) fn insert(&mut self, item: T) -> I {
        if let Some(at) = self.free.pop() {
            self.items[at as usize] = Some(item);
            return I::new(at);
        }
        let at = u32::try_from(self.items.len()).unwrap_or(u32::MAX);
        self.items.push(Some(item));
        I::new(at)
    }

    pub(crate) fn remove(&mut self, ix: I) -> Option<T> {
        let item = self.items.get_mut(ix.at())?.take()?;
        self.free.push(u32::try_from(ix.at()).unwrap_or(u32::MAX));
        Some(item)
    }

    pub(crate) fn get(&self, ix: I) -> Option<&T> {
        self.items.get(ix.at())?.as_ref()
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len() - self.free.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (I, &T)> {
        (0..)
            .zip(&self.items)
            .filter_map(|(at, item)| Some((I::new(at), item.as_ref()?)))
    }

    /// The same numbers for other things.
    pub(crate) fn map<U>(&self, mut with: impl FnMut(I, &T) -> U) -> Arena<I, U> {
        let items = (0..).zip(&self.items);
        let items = items.map(|(at, item)| Some(with(I::new(at), item.as_ref()?)));
        Arena {
            items: items.collect(),
            free: self.free.clone(),
            of: PhantomData,
        }
    }

    pub(crate) fn ids(&self) -> Vec<I> {
        self.iter().map(|(ix, _)| ix).collect()
    }
}

#[expect(
    clippy::expect_used,
    reason = "a number outlives its thing only through a mistake in the core, which must not go unseen"
)]
impl<I: Ix, T> Index<I> for Arena<I, T> {
    type Output = T;
    fn index(&self, ix: I) -> &T {
        self.items[ix.at()]
            .as_ref()
            .expect("the thing is there as long as its number is used")
    }
}

#[expect(clippy::expect_used, reason = "as for `Index`")]
impl<I: Ix, T> IndexMut<I> for Arena<I, T> {
    fn index_mut(&mut self, ix: I) -> &mut T {
        self.items[ix.at()]
            .as_mut()
            .expect("the thing is there as long as its number is used")
    }
}
