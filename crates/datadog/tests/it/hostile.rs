//! Whatever is sent, nothing panics, and memory is asked for before it is taken.

use spandrel_datadog::{
    DatadogError, Tracer, payload, traces_json, traces_msgpack, traces_with_dictionary,
};
use spandrel_translate::{NoRoom, Room, Translated};

use crate::pack::{Pack, map, texts};

type Translate = fn(&[u8], &Tracer, &mut Room<'_>) -> Result<Translated, DatadogError>;
const FORMS: [Translate; 4] = [traces_msgpack, traces_with_dictionary, payload, traces_json];

/// Bytes that are the same each time (splitmix64).
fn random(seed: u64) -> impl FnMut() -> u64 {
    let mut state = seed;
    move || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

fn bodies() -> [Vec<u8>; 4] {
    let span = map(vec![
        ("service", Pack::Text("shop")),
        ("trace_id", Pack::Uint(1)),
        ("meta", texts(&[("a", "b"), ("_dd.p.tid", "1")])),
        ("metrics", map(vec![("m", Pack::Float(1.0))])),
        ("span_links", Pack::List(vec![map(vec![("trace_id", Pack::Uint(1))])])),
    ]);
    let traces = Pack::List(vec![Pack::List(vec![span.clone(), span])]);
    let zero = || Pack::Uint(0);
    let meta = Pack::Map(vec![(zero(), zero())]);
    let metrics = Pack::Map(vec![(zero(), Pack::Float(1.0))]);
    let mut fields = vec![zero(); 9];
    fields.extend([meta, metrics, zero()]);
    let table = Pack::List(vec![Pack::Text("text")]);
    let indexed = Pack::List(vec![Pack::List(vec![Pack::List(fields)])]);
    let chunk = map(vec![("spans", Pack::List(Vec::new()))]);
    let json = br#"[[{"service":"shop","trace_id":1,"meta":{"a":"b"},"metrics":{"m":1}}]]"#;
    [
        traces.bytes(),
        Pack::List(vec![table, indexed]).bytes(),
        map(vec![("env", Pack::Text("e")), ("chunks", Pack::List(vec![chunk]))]).bytes(),
        json.to_vec(),
    ]
}

#[test]
fn damaged_bytes_never_panic() {
    let (tracer, mut next) = (Tracer::default(), random(7));
    for (body, translate) in bodies().iter().zip(FORMS) {
        let mut grant = |_| true;
        assert!(translate(body, &tracer, &mut Room::new(&mut grant)).is_ok());
        for length in 0..body.len() {
            let cut = &body[..length];
            assert!(translate(cut, &tracer, &mut Room::new(&mut grant)).is_err(), "{length}");
        }
        for _ in 0..20_000 {
            let mut damaged = body.clone();
            for _ in 0..=next() % 3 {
                let place = (next() % damaged.len() as u64) as usize;
                damaged[place] = (next() >> 56) as u8;
            }
            for translate in FORMS {
                drop(translate(&damaged, &tracer, &mut Room::new(&mut grant)));
            }
        }
    }
    for _ in 0..50_000 {
        let noise: Vec<u8> = (0..next() % 40).map(|_| (next() >> 56) as u8).collect();
        let mut grant = |_| true;
        for translate in FORMS {
            drop(translate(&noise, &tracer, &mut Room::new(&mut grant)));
        }
    }
}

#[test]
fn without_room_nothing_is_translated() {
    let mut large = bodies();
    large[2] = {
        let spans = Pack::List(vec![map(vec![("service", Pack::Text("shop"))])]);
        map(vec![("chunks", Pack::List(vec![map(vec![("spans", spans)])]))]).bytes()
    };
    for (body, translate) in large.iter().zip(FORMS) {
        let mut grant = |_| false;
        let translated = translate(body, &Tracer::default(), &mut Room::new(&mut grant));
        assert_eq!(translated, Err(DatadogError::NoRoom(NoRoom)));
    }
}

#[test]
fn room_is_asked_for_in_proportion() {
    // The shortest spans there are: one byte each.
    let mut body = vec![0xdd, 0, 0, 0, 1, 0xdd, 0, 0x10, 0, 0];
    body.extend(std::iter::repeat_n(0x80, 1 << 20));
    let mut granted = 0_usize;
    let mut grant = |bytes| {
        granted += bytes;
        granted < 64 << 20
    };
    let translated = traces_msgpack(&body, &Tracer::default(), &mut Room::new(&mut grant));
    assert_eq!(translated, Err(DatadogError::NoRoom(NoRoom)));
}
