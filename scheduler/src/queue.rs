//! The tasks of a lane in order: a sorted list in chunks.
//!
//! A lane may hold a million tasks, and must give its best, take one in or out anywhere, and say
//! "4th of 37" without walking. Entries stand densely in sorted chunks, worst first, so that the
//! best is at the very end, where taking it moves nothing; and a chunk takes in at both ends alike,
//! for new tasks are mostly the worst.

use std::collections::VecDeque;

/// Entries a chunk holds before it is split in two.
const CHUNK: usize = 512;

/// An ordered set of `(rank, value)`, higher rank first; equal ranks in the order of the value.
#[derive(Debug)]
pub(crate) struct RankedQueue<V> {
    chunks: Vec<VecDeque<(i64, V)>>,
    len: usize,
}

impl<V> Default for RankedQueue<V> {
    fn default() -> Self {
        Self {
            chunks: Vec::new(),
            len: 0,
        }
    }
}

impl<V: Copy + Ord> RankedQueue<V> {
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// The best entry.
    pub(crate) fn first(&self) -> Option<(i64, V)> {
        self.chunks.last()?.back().copied()
    }

    /// All entries, best first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, V)> + '_ {
        self.chunks
            .iter()
            .rev()
            .flat_map(|chunk| chunk.iter().rev().copied())
    }

    /// Entries before this one, whether or not it is there; its place counted from 0.
    pub(crate) fn before(&self, entry: (i64, V)) -> usize {
        let at = self.chunk_of(entry);
        let Some(chunk) = self.chunks.get(at) else {
            return 0;
        };
        let better = chunk.partition_point(|other| key(*other) <= key(entry));
        let beyond = self.chunks[at..].iter().skip(1).map(VecDeque::len);
        beyond.sum::<usize>() + chunk.len() - better
    }

    pub(crate) fn insert(&mut self, entry: (i64, V)) {
        self.len += 1;
        if self.chunks.is_empty() {
            self.chunks.push(VecDeque::from([entry]));
            return;
        }
        let mut at = self.chunk_of(entry).min(self.chunks.len() - 1);
        if self.chunks[at].len() == CHUNK {
            self.cut(at);
            at = self.chunk_of(entry).min(self.chunks.len() - 1);
        }
        let chunk = &mut self.chunks[at];
        chunk.insert(split(chunk, entry), entry);
    }

    /// Makes two of a full chunk, neither with more room than it may come to need.
    fn cut(&mut self, at: usize) {
        // New tasks come in at the low end: a full first chunk is left full and a new one begun.
        let keep = if at == 0 { 16 } else { CHUNK / 2 };
        let chunk = &mut self.chunks[at];
        let mut upper = VecDeque::with_capacity(CHUNK);
        upper.extend(chunk.drain(keep..));
        self.chunks.insert(at + 1, upper);
    }

    /// Whether it was there.
    pub(crate) fn remove(&mut self, entry: (i64, V)) -> bool {
        let at = self.chunk_of(entry);
        let Some(chunk) = self.chunks.get_mut(at) else {
            return false;
        };
        let place = split(chunk, entry);
        if chunk.get(place) != Some(&entry) {
            return false;
        }
        chunk.remove(place);
        if chunk.is_empty() {
            self.chunks.remove(at);
        }
        self.len -= 1;
        true
    }

    /// The chunk that holds, or would hold, this entry: the first whose best is not worse.
    fn chunk_of(&self, entry: (i64, V)) -> usize {
        let is_worse =
            |chunk: &VecDeque<_>| chunk.back().is_some_and(|best| key(*best) < key(entry));
        match self.chunks.first() {
            // The usual place of what is new, found without a search through cold memory.
            Some(first) if !is_worse(first) => 0,
            _ => self.chunks.partition_point(is_worse),
        }
    }
}

/// Where an entry stands, or would, in a chunk.
fn split<V: Copy + Ord>(chunk: &VecDeque<(i64, V)>, entry: (i64, V)) -> usize {
    chunk.partition_point(|other| key(*other) < key(entry))
}

/// Sorts worst first.
fn key<V>((rank, value): (i64, V)) -> (i64, std::cmp::Reverse<V>) {
    (rank, std::cmp::Reverse(value))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    use super::*;

    proptest! {
        #[test]
        fn it_agrees_with_a_plain_sorted_set(steps in prop::collection::vec((any::<bool>(), -300_i64..300, 0_u32..4), 1..3_000)) {
            let mut queue = RankedQueue::default();
            let mut model = BTreeSet::new();
            for (put, rank, value) in steps {
                if put && model.insert((-rank, value)) {
                    queue.insert((rank, value));
                } else if !put {
                    prop_assert_eq!(queue.remove((rank, value)), model.remove(&(-rank, value)));
                }
                prop_assert_eq!(queue.len(), model.len());
                prop_assert_eq!(queue.first(), model.first().map(|&(rank, value)| (-rank, value)));
            }
            let all: Vec<_> = queue.iter().collect();
            prop_assert_eq!(&all, &model.iter().map(|&(rank, value)| (-rank, value)).collect::<Vec<_>>());
            for rank in (-300..300).step_by(50) {
                let better = model.iter().take_while(|&&entry| entry < (-rank, 1)).count();
                prop_assert_eq!(queue.before((rank, 1)), better);
            }
            for (place, entry) in all.into_iter().enumerate() {
                prop_assert_eq!(queue.before(entry), place);
            }
        }
    }

    #[test]
    fn a_hundred_thousand_in_order_of_arrival_keep_their_places() {
        let mut queue = RankedQueue::default();
        for i in 0..100_000_u32 {
            queue.insert((-i64::from(i), i));
        }
        assert_eq!(queue.before((-70_000, 70_000)), 70_000);
        assert_eq!(queue.first(), Some((0, 0)));
        assert_eq!(queue.len(), 100_000);
    }
}
