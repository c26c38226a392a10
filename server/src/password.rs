//! Passwords: argon2id, off the async threads.

use anyhow::{Context, bail};
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

/// The fewest characters of a password.
pub const LEAST_CHARS: usize = 10;
/// The most bytes of a password: hashing more would only cost time.
pub const MOST_BYTES: usize = 256;

/// Memory in KiB, passes and lanes: the first that OWASP recommends for argon2id. Of the equal ones with
/// less memory the C library keeps each thread's for later, up to 32 MiB; this goes back at once.
const COST: (u32, u32, u32) = (46 * 1024, 1, 1);

/// Refuses passwords that are too short to resist guessing, or too long to hash.
pub fn check(password: &str) -> Result<(), String> {
    if password.chars().count() < LEAST_CHARS {
        return Err(format!("a password has at least {LEAST_CHARS} characters"));
    }
    if password.len() > MOST_BYTES {
        return Err(format!("a password has at most {MOST_BYTES} bytes"));
    }
    Ok(())
}

/// The passwords that are tried first everywhere, of those that are long enough.
const COMMON: &str = include_str!("common_passwords.txt");

/// Whether a password is among the first that others would try: on the list, built of one or two
/// characters, a run of the keyboard or the alphabet, or made from the account's own address.
pub fn is_common(password: &str, email: &str) -> bool {
    let lower = password.to_lowercase();
    let plain: String = lower.chars().filter(|c| !c.is_whitespace()).collect();
    let mut letters: Vec<char> = plain.chars().collect();
    letters.sort_unstable();
    letters.dedup();
    let run = [
        "abcdefghijklmnopqrstuvwxyz",
        "01234567890123456789",
        "98765432109876543210",
        "qwertyuiopasdfghjklzxcvbnm",
    ];
    let own = email.split('@').next().unwrap_or_default().to_lowercase();
    COMMON.lines().any(|common| common == plain)
        || letters.len() <= 2
        || run.iter().any(|run| run.contains(&plain))
        || (own.len() >= 4 && plain.contains(&own) && plain.len() < own.len() + 6)
}

/// Hashes a password, in PHC form. Takes some 20 ms of one processor.
pub fn hash(password: &str) -> anyhow::Result<String> {
    let mut salt = [0_u8; 16];
    getrandom::fill(&mut salt).context("no randomness")?;
    let salt = SaltString::encode_b64(&salt).map_err(|error| anyhow::anyhow!("salt: {error}"))?;
    match argon2()?.hash_password(password.as_bytes(), &salt) {
        Ok(hash) => Ok(hash.to_string()),
        Err(error) => bail!("hashing: {error}"),
    }
}

/// Whether `password` is the one that was hashed. A hash that cannot be read matches nothing.
pub fn matches(password: &str, hash: &str) -> bool {
    let (Ok(hash), Ok(argon2)) = (PasswordHash::new(hash), argon2()) else {
        return false;
    };
    password.len() <= MOST_BYTES && argon2.verify_password(password.as_bytes(), &hash).is_ok()
}

fn argon2() -> anyhow::Result<Argon2<'static>> {
    let (memory_kib, passes, lanes) = COST;
    let params = Params::new(memory_kib, passes, lanes, None)
        .map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_matches_its_own_hash_only() {
        let hash = hash("correct horse battery").unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=47104,t=1,p=1$"));
        assert!(matches("correct horse battery", &hash));
        assert!(!matches("correct horse batterz", &hash));
        assert!(!matches("anything", "not a hash"));
    }

    #[test]
    fn what_others_would_try_first_is_common() {
        for common in [
            "password123",
            "Password 123",
            "1234567890",
            "aaaaaaaaaaaa",
            "qwertyuiop",
            "ada.lovelace1",
        ] {
            assert!(is_common(common, "ada.lovelace@example.org"), "{common}");
        }
        assert!(!is_common("correct horse battery", "ada@example.org"));
    }

    #[test]
    fn short_and_endless_passwords_are_refused() {
        assert!(check("short").is_err() && check(&"x".repeat(300)).is_err());
        assert!(check("long enough").is_ok());
    }
}
