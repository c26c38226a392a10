//! A Postgres of its own for a checkout.
