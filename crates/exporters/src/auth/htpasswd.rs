//! Lines `name:hash` as Apache's htpasswd writes them.
//!
//! bcrypt (`$2y$`, the one to use), Apache's MD5 (`$apr1$`), `{SHA}` and `{SSHA}`, and, as in the Collector, passwords
//! as they are. The hashes of crypt (`$1$`, `$5$`, `$6$`) are refused.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest, Md5};
use sha1::Sha1;
use sha2::Sha256;

use super::basic_server::equal;

/// Rounds of Apache's MD5.
const APR1_ROUNDS: usize = 1000;
/// Digits of crypt's base 64.
const CRYPT_DIGITS: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Hashes by user.
#[derive(Debug, Default)]
pub(super) struct Users {
    by_name: BTreeMap<String, String>,
}

impl Users {
    /// Reads a file, and lines that win over it. The problem names the user and nothing secret.
    pub(super) fn read(file: &str, inline: &str) -> Result<Self, String> {
        let mut users = Self::default();
        for line in file.lines().chain(inline.lines()).map(str::trim) {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let Some((name, hash)) = line.split_once(':').filter(|(name, _)| !name.is_empty())
            else {
                return Err("htpasswd: a line is not `name:hash`".to_owned());
            };
            if let Err(problem) = check(hash) {
                return Err(format!("htpasswd: {name} has {problem}"));
            }
            users.by_name.insert(name.to_owned(), hash.to_owned());
        }
        if users.by_name.is_empty() {
            return Err("htpasswd: names nobody, so that nobody could send".to_owned());
        }
        Ok(users)
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.by_name.get(name).map(String::as_str)
    }

    /// The hash of somebody.
    pub(super) fn any(&self) -> &str {
        self.by_name.values().next().map_or("", String::as_str)
    }
}

/// Whether passwords can be compared with this.
fn check(hash: &str) -> Result<(), &'static str> {
    let is_sha = |prefix, least: usize| {
        let digest = strip(hash, prefix).map(|digest| STANDARD.decode(digest));
        digest.is_none_or(|digest| digest.is_ok_and(|bytes| bytes.len() >= least))
    };
    if hash.is_empty() {
        return Err("no password");
    }
    if !is_sha("{SHA}", 20) || !is_sha("{SSHA}", 21) {
        return Err("a damaged SHA hash, write it anew with `htpasswd -B`");
    }
    if let Some(rest) = hash.strip_prefix("$apr1$") {
        let is_whole = rest.split_once('$').is_some_and(|(_, digest)| digest.len() == 22);
        return if is_whole {
            Ok(())
        } else {
            Err("a damaged hash, write it anew with `htpasswd -B`")
        };
    }
    if is_bcrypt(hash) {
        let is_whole = hash.parse::<bcrypt::HashParts>().is_ok();
        return if is_whole {
            Ok(())
        } else {
            Err("a damaged hash, write it anew with `htpasswd -B`")
        };
    }
    match hash.starts_with('$') || hash.starts_with('{') {
        true => {
            Err("a hash of a kind that is not supported, write it anew with `htpasswd -B` (bcrypt)")
        }
        false => Ok(()),
    }
}

fn is_bcrypt(hash: &str) -> bool {
    ["$2a$", "$2b$", "$2x$", "$2y$"].iter().any(|prefix| hash.starts_with(prefix))
}

fn strip<'h>(hash: &'h str, prefix: &str) -> Option<&'h str> {
    hash.strip_prefix(prefix)
}

/// Whether the password has this hash. Takes as long as the hash was made to take.
pub(super) fn verify(hash: &str, password: &str) -> bool {
    if is_bcrypt(hash) {
        return bcrypt::verify(password, hash).unwrap_or(false);
    }
    if let Some((salt, digest)) = strip(hash, "$apr1$").and_then(|rest| rest.split_once('$')) {
        return same(digest.as_bytes(), apr1(password.as_bytes(), salt.as_bytes()).as_bytes());
    }
    if let Some(digest) = strip(hash, "{SHA}").and_then(|digest| STANDARD.decode(digest).ok()) {
        return same(&digest, &Sha1::digest(password));
    }
    if let Some(digest) = strip(hash, "{SSHA}").and_then(|digest| STANDARD.decode(digest).ok()) {
        let Some((digest, salt)) = digest.split_at_checked(20) else { return false };
        let salted = Sha1::new().chain_update(password).chain_update(salt).finalize();
        return same(digest, &salted);
    }
    same(hash.as_bytes(), password.as_bytes())
}

/// Compares by hashes, which tells nothing by its time.
fn same(a: &[u8], b: &[u8]) -> bool {
    equal(&Sha256::digest(a).into(), &Sha256::digest(b).into())
}

/// Apache's variant of crypt's MD5, without prefix and salt.
fn apr1(password: &[u8], salt: &[u8]) -> String {
    let salt = salt.get(..8).unwrap_or(salt);
    let inner = Md5::new().chain_update(password).chain_update(salt).chain_update(password);
    let inner = inner.finalize();
    let mut outer = Md5::new().chain_update(password).chain_update("$apr1$").chain_update(salt);
    // As much of the digest, over and over, as the password is long.
    let repeated: Vec<u8> = inner.iter().copied().cycle().take(password.len()).collect();
    outer.update(&repeated);
    let mut bits = password.len();
    while bits > 0 {
        let byte = if bits & 1 == 1 { 0 } else { password.first().copied().unwrap_or_default() };
        outer.update([byte]);
        bits >>= 1;
    }
    let mut digest = outer.finalize();
    for round in 0..APR1_ROUNDS {
        let mut next = Md5::new();
        next.update(if round % 2 == 1 { password } else { digest.as_slice() });
        if round % 3 != 0 {
            next.update(salt);
        }
        if round % 7 != 0 {
            next.update(password);
        }
        next.update(if round % 2 == 1 { digest.as_slice() } else { password });
        digest = next.finalize();
    }
    crypt_base64(&digest)
}

/// The order of bytes, and the digits, that crypt's MD5 is written in.
fn crypt_base64(digest: &[u8]) -> String {
    const GROUPS: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
    let byte = |i: usize| u32::from(digest.get(i).copied().unwrap_or_default());
    let mut text = String::with_capacity(22);
    let mut push = |mut value: u32, digits: usize| {
        for _ in 0..digits {
            text.push(char::from(CRYPT_DIGITS[(value & 63) as usize]));
            value >>= 6;
        }
    };
    for [a, b, c] in GROUPS {
        push(byte(a) << 16 | byte(b) << 8 | byte(c), 4);
    }
    push(byte(11), 2);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All of `myPassword`: those of MD5, SHA and bcrypt are examples of Apache's documentation.
    const HASHES: [&str; 5] = [
        "$apr1$r31.....$HqJZimcKQFAMYayBlzkrA/",
        "{SHA}VBPuJHI7uixaa6LQGWx4s+5GKNE=",
        "{SSHA}VpHRol3/fsbk7ceuDKZ03vOwyPFhYmNk",
        "$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC",
        "myPassword",
    ];

    #[test]
    fn passwords_are_told_apart() {
        for hash in HASHES {
            assert!(verify(hash, "myPassword"), "{hash}");
            assert!(!verify(hash, "mypassword") && !verify(hash, ""), "{hash}");
        }
    }

    #[test]
    fn lines() {
        let users = Users::read("a:file\nb:b # no comment\n\n# c:x", "a:inline").expect("right");
        assert_eq!((users.get("a"), users.get("c")), (Some("inline"), None));
        assert_eq!(users.get("b"), Some("b # no comment"));
        for (lines, problem) in [
            ("", "nobody"),
            ("a", "`name:hash`"),
            (":x", "`name:hash`"),
            ("a:", "no password"),
            ("a:$6$salt$hash", "not supported, write it anew with `htpasswd -B`"),
            ("a:$apr1$salt", "damaged"),
            ("a:{SHA}x", "damaged"),
            ("a:$2y$05$short", "damaged"),
        ] {
            let error = Users::read(lines, "").expect_err(lines);
            assert!(error.contains(problem) && !error.contains("salt"), "{error}");
        }
    }
}
