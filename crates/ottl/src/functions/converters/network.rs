//! Addresses.

use std::net::IpAddr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use super::super::{Args, Function, Kind, converter, may, needs};
use crate::error::EvalError;
use crate::value::Value;

type Evaluated<'v> = Result<Value<'v>, EvalError>;

pub(super) const FUNCTIONS: [Function; 2] = [
    converter(
        "CommunityID",
        &[
            needs("source_ip", Kind::Text),
            needs("source_port", Kind::Int),
            needs("destination_ip", Kind::Text),
            needs("destination_port", Kind::Int),
            may("protocol", Kind::Text),
            may("seed", Kind::Int),
        ],
        community_id,
    ),
    converter(
        "IsInCIDR",
        &[needs("target", Kind::Text), needs("networks", Kind::List)],
        is_in_cidr,
    ),
];

/// A text that is no address is in no network.
fn is_in_cidr<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let target = args.value(0)?;
    let mut inside = false;
    for network in args.texts(1)? {
        let parsed = parse_network(&network)
            .ok_or_else(|| args.refused(format_args!("{network:?} is no network")))?;
        let address = match &target {
            Value::String(text) => text.parse::<IpAddr>().ok(),
            _ => None,
        };
        inside |= address.is_some_and(|address| contains(parsed, address));
    }
    Ok(Value::Bool(inside))
}

fn parse_network(text: &str) -> Option<(IpAddr, u32)> {
    let (address, bits) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.parse().ok().filter(|bits| *bits <= most)?;
    Some((address, bits))
}

fn contains((network, bits): (IpAddr, u32), address: IpAddr) -> bool {
    let differs = match (network, address.to_canonical()) {
        (IpAddr::V4(network), IpAddr::V4(address)) => {
            (network.to_bits() ^ address.to_bits()).checked_shr(32 - bits).unwrap_or(0) != 0
        }
        (IpAddr::V6(network), IpAddr::V6(address)) => {
            (network.to_bits() ^ address.to_bits()).checked_shr(128 - bits).unwrap_or(0) != 0
        }
        _ => true,
    };
    !differs
}

/// The flow hash of version 1, the same in both directions.
fn community_id<'v>(args: &Args<'_, 'v>) -> Evaluated<'v> {
    let address = |index| {
        let text = args.text(index)?;
        let parsed: Result<IpAddr, _> = text.parse();
        parsed.map_err(|_| args.refused(format_args!("{text:?} is no address")))
    };
    let port = |index| {
        let port = args.int(index)?;
        u16::try_from(port).map_err(|_| args.refused(format_args!("{port} is no port")))
    };
    let protocol = match args.text_or(4, "TCP")?.to_ascii_uppercase().as_str() {
        "ICMP" => 1_u8,
        "TCP" => 6,
        "UDP" => 17,
        "RSVP" => 46,
        "ICMP6" => 58,
        "SCTP" => 132,
        other => return Err(args.refused(format_args!("protocol {other:?} is not known"))),
    };
    let seed = args.int_or(5, 0)?;
    let seed = u16::try_from(seed).map_err(|_| args.refused(format_args!("{seed} is no seed")))?;
    let octets = |address: IpAddr| match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let source = (octets(address(0)?), port(1)?);
    let destination = (octets(address(2)?), port(3)?);
    let (low, high) =
        if source <= destination { (source, destination) } else { (destination, source) };
    let mut hash = Sha1::new();
    hash.update(seed.to_be_bytes());
    hash.update(&low.0);
    hash.update(&high.0);
    hash.update([protocol, 0]);
    hash.update(low.1.to_be_bytes());
    hash.update(high.1.to_be_bytes());
    Ok(Value::owned(format!("1:{}", STANDARD.encode(hash.finalize()))))
}
