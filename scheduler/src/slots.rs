//! Numbered slots: which are held, so that Postgres can refuse a number held twice.

/// Slots numbered from 0, the lowest free given first. May hold more than `limit` for as long as
/// leases from before a lowering live.
#[derive(Clone, Debug, Default)]
pub(crate) struct Slots {
    limit: u32,
    held: Vec<bool>,
    in_use: u32,
}

impl Slots {
    pub(crate) fn new(limit: u32) -> Self {
        Self {
            limit,
            held: Vec::new(),
            in_use: 0,
        }
    }

    pub(crate) const fn in_use(&self) -> u32 {
        self.in_use
    }

    /// Free under a limit, which may be lower than the one people set.
    pub(crate) const fn free(&self, limit: u32) -> u32 {
        limit.saturating_sub(self.in_use)
    }

    pub(crate) const fn limit(&self) -> u32 {
        self.limit
    }

    pub(crate) fn set_limit(&mut self, limit: u32) {
        self.limit = limit;
    }

    /// Takes `amount` slots and says which. The caller has made sure that they are free.
    pub(crate) fn take(&mut self, amount: u32) -> Vec<u32> {
        let mut taken = Vec::with_capacity(amount as usize);
        let mut number = 0;
        while taken.len() < amount as usize {
            if !self.held.get(number).copied().unwrap_or(false) {
                taken.push(u32::try_from(number).unwrap_or(u32::MAX));
            }
            number += 1;
        }
        self.hold(&taken);
        taken
    }

    /// Marks these numbers held, as found at a load.
    pub(crate) fn hold(&mut self, numbers: &[u32]) {
        for &number in numbers {
            let number = number as usize;
            if self.held.len() <= number {
                self.held.resize(number + 1, false);
            }
            self.in_use += u32::from(!std::mem::replace(&mut self.held[number], true));
        }
    }

    pub(crate) fn give_back(&mut self, numbers: &[u32]) {
        for &number in numbers {
            if let Some(held) = self.held.get_mut(number as usize) {
                self.in_use -= u32::from(std::mem::replace(held, false));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_given_once_and_used_again() {
        let mut slots = Slots::new(3);
        let first = slots.take(2);
        assert_eq!((first.as_slice(), slots.free(3)), ([0, 1].as_slice(), 1));
        slots.give_back(&first[..1]);
        assert_eq!(slots.take(2), [0, 2]);
        assert_eq!(slots.in_use(), 3);
    }

    #[test]
    fn a_lowered_limit_leaves_nothing_free_until_enough_is_back() {
        let mut slots = Slots::new(3);
        let held = slots.take(3);
        slots.set_limit(1);
        slots.give_back(&held[..1]);
        assert_eq!(slots.free(slots.limit()), 0);
    }
}
