//! A key in the moment it is made: the only one in which its text is known.

use scheduler::KeyId;
use sha2::{Digest, Sha256};

/// What every key begins with, so that people and scanners recognise one.
const MARK: &str = "baton_";
/// Characters of the secret by which people tell keys apart.
const SHOWN: usize = 8;

/// A key just made. The text is shown once and kept nowhere.
#[derive(Debug)]
pub struct NewKey {
    /// The key itself.
    pub text: String,
    /// Its beginning, by which people tell keys apart.
    pub prefix: String,
    /// The SHA-256 of the text: all that is stored.
    pub hash: [u8; 32],
}

impl NewKey {
    /// A key with a readable beginning that names its role, and 256 random bits.
    pub fn generate(role: &str) -> Result<Self, getrandom::Error> {
        let mut secret = [0_u8; 32];
        getrandom::fill(&mut secret)?;
        Ok(Self::from_secret(role, secret))
    }

    /// The key of that identifier that the key `of` makes, the same each time: so a repeated request
    /// gets the same answer though the new key is kept nowhere. Whoever cannot show `of` learns
    /// nothing of it from what is stored.
    pub fn derived(role: &str, of: &str, id: KeyId) -> Self {
        let secret = Sha256::new()
            .chain_update(Sha256::digest(format!("a key made by {of}")))
            .chain_update(id.0)
            .finalize();
        Self::from_secret(role, secret.into())
    }

    fn from_secret(role: &str, secret: [u8; 32]) -> Self {
        let text = format!("{MARK}{role}_{}", hex::encode(secret));
        let prefix = text
            .chars()
            .take(MARK.len() + role.len() + 1 + SHOWN)
            .collect();
        Self {
            hash: Self::hash_of(&text),
            prefix,
            text,
        }
    }

    /// The SHA-256 of a key. Keys are random, so that a slow hash would guard nothing more.
    pub fn hash_of(key: &str) -> [u8; 32] {
        Sha256::digest(key).into()
    }

    /// A hash as forms carry it.
    pub fn hash_in_hex(text: &str) -> Option<[u8; 32]> {
        let mut hash = [0; 32];
        hex::decode_to_slice(text, &mut hash).ok()?;
        Some(hash)
    }
}
