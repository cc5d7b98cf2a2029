//! Random spans, into OTLP and back: what Zipkin has and OTLP can carry comes back as it was.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use proptest::prelude::*;
use spandrel_translate::Room;
use spandrel_zipkin::{
    Annotation, Endpoint, Kind, Network, Options, Span, spans_of, to_json, to_protobuf, v2_protobuf,
};

use crate::v2::{decode, from_json};

fn endpoint() -> impl Strategy<Value = Endpoint> {
    let address = prop_oneof![
        Just((None, None)),
        any::<u32>().prop_map(|bits| (Some(Ipv4Addr::from(bits)), None)),
        // Addresses of version 4 in those of version 6 become the former.
        any::<u128>().prop_map(|bits| (None, Some(Ipv6Addr::from(bits | 1 << 127)))),
    ];
    ("[a-z][a-z0-9-]{0,8}", address, any::<u16>())
        .prop_map(|(service_name, (ipv4, ipv6), port)| Endpoint { service_name, ipv4, ipv6, port })
}

fn span() -> impl Strategy<Value = Span> {
    let kind = prop_oneof![
        Just(Kind::Unspecified),
        Just(Kind::Client),
        Just(Kind::Server),
        Just(Kind::Producer),
        Just(Kind::Consumer),
    ];
    // After the first second of 1970, and with room for the duration.
    let times = (1_000_000_u64..4_000_000_000_000_000, 0_u64..10_000_000_000);
    let ids = (1_u128.., proptest::option::of(1_u64..), 1_u64..);
    let annotations = proptest::collection::vec(
        (1_u64..4_000_000_000_000_000, "[ -~]{0,12}")
            .prop_map(|(timestamp_micros, value)| Annotation { timestamp_micros, value }),
        0..4,
    );
    let tags = proptest::collection::btree_map("t[a-z.]{1,8}", "\\PC{0,12}", 0..6);
    let remote = proptest::option::of(endpoint());
    (ids, kind, "[a-z /]{0,10}", times, endpoint(), remote, annotations, tags).prop_map(
        |((trace_id, parent_id, id), kind, name, times, local, remote, annotations, tags)| Span {
            trace_id,
            parent_id: parent_id.filter(|parent| *parent != id),
            id,
            kind,
            shared: false,
            name,
            timestamp_micros: times.0,
            duration_micros: times.1,
            local_endpoint: Some(local),
            remote_endpoint: remote,
            annotations,
            tags: BTreeMap::from_iter(tags),
        },
    )
}

proptest! {
    #[test]
    fn spans_come_back(spans in proptest::collection::vec(span(), 1..4), old: bool) {
        let network = if old { Network::Old } else { Network::Current };
        let options = Options { network, ..Options::default() };
        let mut grant = |_| true;
        let by_json = from_json(&to_json(&spans), options).unwrap();
        let list = Bytes::from(to_protobuf(&spans));
        let by_protobuf = v2_protobuf(&list, options, &mut Room::new(&mut grant)).unwrap();
        prop_assert_eq!(&by_json, &by_protobuf);
        let mut back = spans_of(&decode(&by_json)).unwrap();
        let mut sent = spans;
        let key = |span: &Span| (span.trace_id, span.id, span.name.clone(), span.timestamp_micros);
        back.sort_by_key(key);
        sent.sort_by_key(key);
        prop_assert_eq!(back, sent);
    }
}
