//! The bounds of what people and agents may write, the same wherever they write it.

/// The longest title, in characters.
pub const TITLE_CHARS: usize = 200;
/// The longest description, in bytes.
pub const DESCRIPTION_BYTES: usize = 64 << 10;
/// The longest name of anything, in characters.
pub const NAME_CHARS: usize = 100;
/// The longest note, reason or error, in bytes.
pub const NOTE_BYTES: usize = 8 << 10;
/// Tasks in one request.
pub const BATCH: usize = 1_000;
/// Resource requirements of one task.
pub const REQUIREMENTS: usize = 32;
/// Dependencies of one task.
pub const DEPENDENCIES: usize = 256;
/// Capabilities or models of a task or an agent.
pub const WORDS: usize = 64;

/// Slots of one resource: they are numbered rows.
pub const SLOTS: u32 = 10_000;
/// The limit of one budget, in either unit.
pub const BUDGET_LIMIT: u64 = 1_000_000_000_000_000;

/// What is wrong with a name, if anything is.
pub fn name_fault(name: &str) -> Option<String> {
    let length = name.chars().count();
    let fits = (1..=NAME_CHARS).contains(&length)
        && name.trim() == name
        && !name.chars().any(char::is_control);
    (!fits).then(|| format!("must have 1 to {NAME_CHARS} characters, none of them invisible"))
}
