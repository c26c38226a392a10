//! Postgres: the only crate with SQL. One module per table, concrete types.
