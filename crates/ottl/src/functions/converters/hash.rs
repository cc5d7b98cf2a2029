//! Hashes.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::super::{Args, Function, Kind, converter, needs};
use super::murmur3;
use crate::error::EvalError;
use crate::value::Value;

type Evaluated<'v> = Result<Value<'v>, EvalError>;

const TARGET: &[super::super::Parameter] = &[needs("target", Kind::Text)];

pub(super) const FUNCTIONS: [Function; 9] = [
    converter("FNV", TARGET, fnv),
    converter("MD5", TARGET, digest::<Md5>),
    converter("SHA1", TARGET, digest::<Sha1>),
    converter("SHA256", TARGET, digest::<Sha256>),
    converter("SHA512", TARGET, digest::<Sha512>),
    converter("Murmur3Hash", TARGET, murmur3_hash),
    converter("Murmur3Hash128", TARGET, murmur3_hash_128),
    converter("XXH3", TARGET, xxh3),
    converter("XXH128", TARGET, xxh128),
];

fn digest<'v, D: Digest>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::owned(crate::hex::encode(D::digest(args.text(0)?.as_bytes()).as_slice())))
}

/// FNV-1a of 64 bits.
fn fnv<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let text = args.text(0)?;
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    Ok(Value::Int(hash.cast_signed()))
}

/// Hexadecimal digits of the bytes in little-endian order.
fn murmur3_hash<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let hash = murmur3::x86_32(args.text(0)?.as_bytes());
    Ok(Value::owned(crate::hex::encode(&hash.to_le_bytes())))
}

/// Hexadecimal digits of both halves, each in little-endian order.
fn murmur3_hash_128<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let (first, second) = murmur3::x64_128(args.text(0)?.as_bytes());
    let bytes = [first.to_le_bytes(), second.to_le_bytes()].concat();
    Ok(Value::owned(crate::hex::encode(&bytes)))
}

fn xxh3<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::owned(format!("{:016x}", xxh3_64(args.text(0)?.as_bytes()))))
}

fn xxh128<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    Ok(Value::owned(format!("{:032x}", xxh3_128(args.text(0)?.as_bytes()))))
}
