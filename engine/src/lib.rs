//! Runs the core: an actor per held pool (inbox, step, flush, reply), the pool keeper, forwarding and the loops.
