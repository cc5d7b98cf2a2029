//! What stands in the place of a secret: stars, or a hash by which equal secrets can be told.

use hmac::{Hmac, KeyInit as _, Mac as _};
use md5::Md5;
use sha1::{Digest as _, Sha1};
use sha2::{Sha256, Sha512};
use sha3::Sha3_256;
use spandrel_config::Secret;

use crate::actions::hex;

/// How secrets are masked.
#[derive(Debug, Clone, Default)]
pub(super) enum Mask {
    #[default]
    Stars,
    Md5,
    Sha1,
    Sha3,
    HmacSha256(Secret),
    HmacSha512(Secret),
}

impl Mask {
    /// What stands in the place of `secret`.
    pub(super) fn mask(&self, secret: &str) -> String {
        let secret = secret.as_bytes();
        match self {
            Self::Stars => "****".to_owned(),
            Self::Md5 => hex(&Md5::digest(secret)),
            Self::Sha1 => hex(&Sha1::digest(secret)),
            Self::Sha3 => hex(&Sha3_256::digest(secret)),
            Self::HmacSha256(key) => Hmac::<Sha256>::new_from_slice(key.expose().as_bytes())
                .map_or_else(
                    |_| "****".to_owned(),
                    |mac| hex(&mac.chain_update(secret).finalize().into_bytes()),
                ),
            Self::HmacSha512(key) => Hmac::<Sha512>::new_from_slice(key.expose().as_bytes())
                .map_or_else(
                    |_| "****".to_owned(),
                    |mac| hex(&mac.chain_update(secret).finalize().into_bytes()),
                ),
        }
    }
}
