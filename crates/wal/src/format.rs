//! The bytes of version 1: segment header and record.
//!
//! All integers are little endian. The field tables stand in `docs/formats/wal.md`, the golden file
//! is `testdata/v1/`. Decoding takes any bytes: it answers with a value or says that there is none.

use crc32fast::Hasher;

/// The most bytes one payload may have: 256 MiB.
///
/// It bounds what replay allocates when a damaged length field claims more, and lies far above
/// the largest request a receiver accepts. The length field itself would hold 4 GiB.
pub const PAYLOAD_BYTES_MAX: usize = 256 << 20;

/// The most bytes a tenant may have, the largest value of its length field.
pub const TENANT_BYTES_MAX: usize = u8::MAX as usize;

/// The version that is written, and the newest that is read.
pub(crate) const VERSION: u16 = 1;

/// Bytes of a segment header.
pub(crate) const HEADER_BYTES: usize = 24;

/// Bytes of a record before its tenant, so the least a record can have.
pub(crate) const PREFIX_BYTES: usize = 25;

const MAGIC: [u8; 8] = *b"SPNDLWAL";

/// What the first bytes of a segment say.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Header {
    /// A segment of [`VERSION`].
    Current {
        /// The sequence number of its first record.
        first_seq: u64,
    },
    /// A whole header of another version.
    Unsupported {
        /// That version.
        version: u16,
    },
    /// Not a whole header.
    Damaged,
}

pub(crate) fn encode_header(first_seq: u64) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[..8].copy_from_slice(&MAGIC);
    header[8..10].copy_from_slice(&VERSION.to_le_bytes());
    header[12..20].copy_from_slice(&first_seq.to_le_bytes());
    let crc = crc32fast::hash(&header[..20]);
    header[20..].copy_from_slice(&crc.to_le_bytes());
    header
}

pub(crate) fn decode_header(header: &[u8; HEADER_BYTES]) -> Header {
    let (checked, crc) = header.split_at(20);
    if !header.starts_with(&MAGIC) || crc32fast::hash(checked).to_le_bytes() != *crc {
        return Header::Damaged;
    }
    let mut fields = checked.get(8..).unwrap_or_default();
    match (take(&mut fields), take::<2>(&mut fields), take(&mut fields)) {
        (Some(version), Some(_reserved), Some(first_seq)) => match u16::from_le_bytes(version) {
            VERSION => Header::Current { first_seq: u64::from_le_bytes(first_seq) },
            version => Header::Unsupported { version },
        },
        _ => Header::Damaged,
    }
}

/// A record that is about to be written.
#[derive(Clone, Copy)]
pub(crate) struct RecordParts<'a> {
    pub(crate) seq: u64,
    pub(crate) received_unix_nanos: u64,
    /// At most [`TENANT_BYTES_MAX`] bytes.
    pub(crate) tenant: &'a str,
    /// At most [`PAYLOAD_BYTES_MAX`] bytes.
    pub(crate) payload: &'a [u8],
}

impl RecordParts<'_> {
    /// Appends the record to `buffer`.
    pub(crate) fn encode(self, buffer: &mut Vec<u8>) {
        let payload_len = u32::try_from(self.payload.len()).expect("the caller checked the bound");
        let tenant_len = u8::try_from(self.tenant.len()).expect("the caller checked the bound");
        let mut checked = [0; PREFIX_BYTES - 8];
        checked[..8].copy_from_slice(&self.seq.to_le_bytes());
        checked[8..16].copy_from_slice(&self.received_unix_nanos.to_le_bytes());
        checked[16] = tenant_len;
        let mut hasher = Hasher::new();
        hasher.update(&payload_len.to_le_bytes());
        hasher.update(&checked);
        hasher.update(self.tenant.as_bytes());
        hasher.update(self.payload);
        buffer.extend_from_slice(&payload_len.to_le_bytes());
        buffer.extend_from_slice(&hasher.finalize().to_le_bytes());
        buffer.extend_from_slice(&checked);
        buffer.extend_from_slice(self.tenant.as_bytes());
        buffer.extend_from_slice(self.payload);
    }
}

/// The fixed part of a record, unchecked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefix {
    payload_len: u32,
    crc: u32,
    pub(crate) seq: u64,
    pub(crate) received_unix_nanos: u64,
    tenant_len: u8,
}

impl Prefix {
    /// Reads the first [`PREFIX_BYTES`] of `bytes`; `None` if there are fewer.
    pub(crate) fn decode(mut bytes: &[u8]) -> Option<Self> {
        Some(Self {
            payload_len: u32::from_le_bytes(take(&mut bytes)?),
            crc: u32::from_le_bytes(take(&mut bytes)?),
            seq: u64::from_le_bytes(take(&mut bytes)?),
            received_unix_nanos: u64::from_le_bytes(take(&mut bytes)?),
            tenant_len: u8::from_le_bytes(take(&mut bytes)?),
        })
    }

    /// Bytes of the whole record; `None` if the length field breaks its bound.
    pub(crate) fn record_bytes(&self) -> Option<usize> {
        let payload_len = usize::try_from(self.payload_len).ok()?;
        (payload_len <= PAYLOAD_BYTES_MAX)
            .then_some(PREFIX_BYTES + usize::from(self.tenant_len) + payload_len)
    }

    /// Tenant and payload of the whole `record`; `None` if the checksum or the encoding is wrong.
    pub(crate) fn check<'a>(&self, record: &'a [u8]) -> Option<(&'a str, &'a [u8])> {
        let mut hasher = Hasher::new();
        hasher.update(record.get(..4)?);
        hasher.update(record.get(8..)?);
        if hasher.finalize() != self.crc {
            return None;
        }
        let (tenant, payload) =
            record.get(PREFIX_BYTES..)?.split_at_checked(usize::from(self.tenant_len))?;
        Some((std::str::from_utf8(tenant).ok()?, payload))
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_round_trips_and_any_flipped_bit_is_noticed() {
        let header = encode_header(0x0102_0304_0506_0708);
        let expected = Header::Current { first_seq: 0x0102_0304_0506_0708 };
        assert_eq!(decode_header(&header), expected);
        for bit in 0..HEADER_BYTES * 8 {
            let mut flipped = header;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(decode_header(&flipped), Header::Damaged, "bit {bit}");
        }
    }

    #[test]
    fn a_whole_header_of_another_version_is_told_from_damage() {
        let mut header = encode_header(7);
        header[8] = 2;
        let crc = crc32fast::hash(&header[..20]);
        header[20..].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(decode_header(&header), Header::Unsupported { version: 2 });
    }

    #[test]
    fn record_round_trips_and_any_flipped_bit_is_noticed() {
        let parts =
            RecordParts { seq: 9, received_unix_nanos: 11, tenant: "shop", payload: b"spans" };
        let mut record = Vec::new();
        parts.encode(&mut record);
        let prefix = Prefix::decode(&record).expect("the prefix is there");
        assert_eq!((prefix.seq, prefix.received_unix_nanos), (9, 11));
        assert_eq!(prefix.record_bytes(), Some(record.len()));
        assert_eq!(prefix.check(&record), Some(("shop", &b"spans"[..])));
        for bit in 0..record.len() * 8 {
            let mut flipped = record.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let prefix = Prefix::decode(&flipped).expect("the prefix is there");
            assert_eq!(prefix.check(&flipped), None, "bit {bit}");
        }
    }
}
