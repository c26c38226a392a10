//! What people see: pages, components and thin server functions.
