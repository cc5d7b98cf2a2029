//! Round trips, bombs and damage in every encoding.

use std::io::Write;

use flate2::{Compress, Compression, FlushCompress};

use super::*;

const ALL: [Encoding; 3] = [Encoding::Gzip, Encoding::Deflate, Encoding::Zstd];
const MIB: usize = 1 << 20;

fn compress(encoding: Encoding, plain: &[u8]) -> Vec<u8> {
    let level = Compression::best();
    match encoding {
        Encoding::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        Encoding::Deflate => {
            let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        Encoding::Zstd => zstd::encode_all(plain, 1).unwrap(),
        Encoding::Snappy => {
            let mut encoder = snap::write::FrameEncoder::new(Vec::new());
            encoder.write_all(plain).unwrap();
            encoder.into_inner().unwrap()
        }
        Encoding::Lz4 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
    }
}

/// A GiB of zeros, from one compressed MiB repeated.
fn bomb(encoding: Encoding) -> Vec<u8> {
    let zeros = vec![0; MIB];
    if encoding != Encoding::Deflate {
        return compress(encoding, &zeros).repeat(1024);
    }
    // A zlib stream cannot be repeated, but blocks that end in a full flush can; the checksum at the end
    // is never reached.
    let mut state = Compress::new(Compression::best(), true);
    let mut stream = Vec::with_capacity(MIB);
    state.compress_vec(&zeros, &mut stream, FlushCompress::Full).unwrap();
    let header = stream.len();
    state.compress_vec(&zeros, &mut stream, FlushCompress::Full).unwrap();
    let block = stream.split_off(header);
    stream.extend(block.repeat(1023));
    stream
}

fn inflate(encoding: Encoding, body: Vec<u8>, bytes_max: usize) -> Result<Bytes, InflateError> {
    let mut inflate = Inflate::new(encoding, body.into(), bytes_max);
    assert!(inflate.advance(usize::MAX, |_| true)?);
    Ok(inflate.into_output())
}

#[test]
fn every_encoding_comes_back_in_any_number_of_steps() {
    let plain: Vec<u8> = (0..300_000_u32).flat_map(|i| i.wrapping_mul(i).to_le_bytes()).collect();
    for encoding in ALL {
        let body = compress(encoding, &plain);
        assert_eq!(inflate(encoding, body.clone(), plain.len()).unwrap(), plain, "{encoding:?}");
        let mut inflate = Inflate::new(encoding, body.into(), plain.len());
        let mut admitted = 0;
        let mut pause_at = 1;
        while !inflate
            .advance(pause_at, |bytes| {
                admitted += bytes;
                true
            })
            .unwrap()
        {
            pause_at += 100_000;
        }
        assert_eq!((inflate.into_output(), admitted), (plain.clone().into(), plain.len()));
    }
}

#[test]
fn nothing_is_not_a_stream_but_a_stream_of_nothing_is() {
    for encoding in ALL {
        assert!(inflate(encoding, Vec::new(), 10).is_err(), "{encoding:?}");
        assert_eq!(inflate(encoding, compress(encoding, b""), 10).unwrap(), Bytes::new());
    }
}

#[test]
fn the_limit_is_exact() {
    for encoding in ALL {
        let body = compress(encoding, &[7; 100_000]);
        assert_eq!(inflate(encoding, body.clone(), 100_000).unwrap().len(), 100_000);
        let error = inflate(encoding, body, 99_999).unwrap_err();
        assert_eq!(error.to_string(), "body exceeds 99999 bytes after decompression");
    }
}

#[test]
fn a_bomb_costs_no_more_than_the_limit_and_one_chunk() {
    for encoding in ALL {
        let bomb = bomb(encoding);
        assert!(bomb.len() < 8 * MIB, "{encoding:?} {}", bomb.len());
        let mut inflate = Inflate::new(encoding, bomb.into(), 64 * MIB);
        let mut admitted = 0;
        let ended = inflate.advance(usize::MAX, |bytes| {
            admitted += bytes;
            true
        });
        assert!(matches!(ended, Err(InflateError::TooLarge { .. })), "{encoding:?} {ended:?}");
        assert_eq!(admitted, 64 * MIB, "{encoding:?}");
        assert!(inflate.output.len() <= 64 * MIB + CHUNK_BYTES, "{encoding:?}");
    }
}

#[test]
fn inflating_stops_when_the_budget_has_no_room() {
    for encoding in ALL {
        let mut room = MIB;
        let mut inflate = Inflate::new(encoding, bomb(encoding).into(), 64 * MIB);
        let ended = inflate.advance(usize::MAX, |bytes| {
            let fits = bytes <= room;
            room = room.saturating_sub(bytes);
            fits
        });
        assert!(matches!(ended, Err(InflateError::NoRoom)), "{encoding:?} {ended:?}");
        assert!(inflate.output.len() <= MIB + CHUNK_BYTES, "{encoding:?}");
    }
}

#[test]
fn every_truncation_is_an_error() {
    for encoding in ALL {
        let body = compress(encoding, b"spans of a shop, spans of a shop, spans of another shop");
        for end in 1..body.len() {
            let truncated = body[..end].to_vec();
            let error = inflate(encoding, truncated, MIB).unwrap_err();
            assert!(matches!(error, InflateError::Damaged { .. }), "{encoding:?} {end}");
        }
    }
}

#[test]
fn garbage_and_trailing_garbage_are_errors() {
    for encoding in ALL {
        let mut body = compress(encoding, b"spans");
        body.extend(b"garbage");
        for body in [body, b"no compression at all".to_vec()] {
            let error = inflate(encoding, body, MIB).unwrap_err();
            assert!(matches!(error, InflateError::Damaged { .. }), "{encoding:?}");
        }
    }
}

#[test]
fn a_zstd_frame_cannot_ask_for_much_history() {
    // Magic number, a frame header without content size, and a window of 2^27 bytes.
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, (27 - 10) << 3, 0x01, 0x00, 0x00];
    let error = inflate(Encoding::Zstd, frame.to_vec(), MIB).unwrap_err();
    assert!(matches!(error, InflateError::Damaged { .. }));
    let frame = [0x28, 0xb5, 0x2f, 0xfd, 0x00, (25 - 10) << 3, 0x01, 0x00, 0x00];
    assert_eq!(inflate(Encoding::Zstd, frame.to_vec(), MIB).unwrap(), Bytes::new());
}

#[test]
fn names_of_encodings() {
    let cases = [
        ("", Ok(None)),
        ("identity", Ok(None)),
        ("GZIP", Ok(Some(Encoding::Gzip))),
        ("x-gzip", Ok(Some(Encoding::Gzip))),
        ("deflate", Ok(Some(Encoding::Deflate))),
        ("zlib", Ok(Some(Encoding::Deflate))),
        (" zstd ", Ok(Some(Encoding::Zstd))),
        ("snappy", Ok(Some(Encoding::Snappy))),
        ("x-snappy-framed", Ok(Some(Encoding::Snappy))),
        ("lz4", Ok(Some(Encoding::Lz4))),
        ("br", Err(UnknownEncoding)),
        ("gzip, zstd", Err(UnknownEncoding)),
        ("identity, gzip", Err(UnknownEncoding)),
    ];
    for (name, expected) in cases {
        assert_eq!(Encoding::from_name(name), expected, "{name:?}");
    }
}

/// Frames of snappy can end anywhere between two, and both compress zeros less than the others.
#[test]
fn snappy_and_lz4() {
    let plain = b"spans of a shop, spans of a shop, ".repeat(10_000);
    let block = snap::raw::Encoder::new().compress_vec(&plain).unwrap();
    let bodies = [
        (Encoding::Snappy, block),
        (Encoding::Snappy, compress(Encoding::Snappy, &plain)),
        (Encoding::Lz4, compress(Encoding::Lz4, &plain)),
    ];
    for (encoding, body) in bodies {
        assert_eq!(inflate(encoding, body.clone(), plain.len()).unwrap(), plain, "{encoding:?}");
        let too_large = inflate(encoding, body.clone(), plain.len() - 1).unwrap_err();
        assert!(matches!(too_large, InflateError::TooLarge { .. }), "{encoding:?}");
        let mut refused = Inflate::new(encoding, body.clone().into(), plain.len());
        let ended = refused.advance(usize::MAX, |_| false);
        assert!(matches!(ended, Err(InflateError::NoRoom)), "{encoding:?}");
        for damaged in [&body[..body.len() - 5], b"no compression at all", b""] {
            let error = inflate(encoding, damaged.to_vec(), MIB).unwrap_err();
            assert!(matches!(error, InflateError::Damaged { .. }), "{encoding:?} {error:?}");
        }
    }
    // A block that claims four GiB.
    let claim = inflate(Encoding::Snappy, vec![0xff, 0xff, 0xff, 0xff, 0x0f], 64 * MIB);
    assert!(matches!(claim, Err(InflateError::TooLarge { .. })), "{claim:?}");
}
