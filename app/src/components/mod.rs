//! What pages are made of: one component per file.

pub mod act_form;
pub mod amount;
pub mod cause;
pub mod chart;
pub mod decision_line;
pub mod demo;
pub mod ensemble;
pub mod export;
pub mod factors;
pub mod field;
pub mod frame;
pub mod gauge;
pub mod hall;
pub mod hydration;
pub mod logo;
pub mod mark;
pub mod meter;
pub mod moment;
pub mod notices;
pub mod pager;
pub mod places;
pub mod snippets;
pub mod stave;
pub mod title;
