//! Msgpack of values, as tracers write it.

/// A value of msgpack.
#[derive(Debug, Clone)]
pub(crate) enum Pack {
    Nil,
    Int(i64),
    Uint(u64),
    Float(f64),
    Text(&'static str),
    List(Vec<Pack>),
    Map(Vec<(Pack, Pack)>),
}

impl Pack {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Nil => out.push(0xc0),
            Self::Int(number) => {
                out.push(0xd3);
                out.extend(number.to_be_bytes());
            }
            Self::Uint(number) => {
                out.push(0xcf);
                out.extend(number.to_be_bytes());
            }
            Self::Float(number) => {
                out.push(0xcb);
                out.extend(number.to_be_bytes());
            }
            Self::Text(text) => {
                out.push(0xda);
                out.extend(u16::try_from(text.len()).unwrap().to_be_bytes());
                out.extend(text.as_bytes());
            }
            Self::List(values) => {
                out.push(0xdc);
                out.extend(u16::try_from(values.len()).unwrap().to_be_bytes());
                values.iter().for_each(|value| value.write(out));
            }
            Self::Map(pairs) => {
                out.push(0xde);
                out.extend(u16::try_from(pairs.len()).unwrap().to_be_bytes());
                for (key, value) in pairs {
                    key.write(out);
                    value.write(out);
                }
            }
        }
    }
}

pub(crate) fn map(pairs: Vec<(&'static str, Pack)>) -> Pack {
    Pack::Map(pairs.into_iter().map(|(key, value)| (Pack::Text(key), value)).collect())
}

pub(crate) fn texts(pairs: &[(&'static str, &'static str)]) -> Pack {
    map(pairs.iter().map(|(key, value)| (*key, Pack::Text(value))).collect())
}
