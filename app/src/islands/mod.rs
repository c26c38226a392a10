//! What moves in the browser: one island per file or folder.

pub mod acts;
pub mod copy;
pub mod live;
pub mod palette;
pub mod theme_switch;
pub mod what_if;
