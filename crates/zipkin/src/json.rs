//! What both versions need of JSON: lists one element at a time, and values that are more or less texts.
//!
//! # Bounds
//! Elements are handed on as they are read, so only one is in memory; and no map or list within it may have
//! more than [`ITEMS_MAX`] elements.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::ZipkinError;

/// Tags or annotations of one span.
pub(crate) const ITEMS_MAX: usize = 1 << 16;

/// Gives every element of the list in `json` to `each`; `null` is an empty list, and null elements are none.
pub(crate) fn each<T: DeserializeOwned>(
    json: &[u8],
    mut each: impl FnMut(T) -> Result<(), ZipkinError>,
) -> Result<(), ZipkinError> {
    let mut fault = None;
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let visitor = EachVisitor { each: &mut each, fault: &mut fault, element: PhantomData };
    let read = deserializer.deserialize_any(visitor).and_then(|()| deserializer.end());
    match (fault, read) {
        (Some(error), _) => Err(error),
        (None, Err(error)) => Err(ZipkinError::Json(error.to_string())),
        (None, Ok(())) => Ok(()),
    }
}

struct EachVisitor<'f, T, F> {
    each: &'f mut F,
    /// What `each` has refused an element with.
    fault: &'f mut Option<ZipkinError>,
    element: PhantomData<T>,
}

impl<'de, T, F> Visitor<'de> for EachVisitor<'_, T, F>
where
    T: DeserializeOwned,
    F: FnMut(T) -> Result<(), ZipkinError>,
{
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of spans")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(element) = list.next_element::<Option<T>>()? {
            let Some(element) = element else { continue };
            if let Err(error) = (self.each)(element) {
                *self.fault = Some(error);
                return Err(A::Error::custom("refused"));
            }
        }
        Ok(())
    }
}

/// A value that is its default when it is null.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A list of limited length, or null; null elements are left out.
pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct ListVisitor<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for ListVisitor<T> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a list")
        }

        fn visit_unit<E: Error>(self) -> Result<Vec<T>, E> {
            Ok(Vec::new())
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<T>, A::Error> {
            let mut read = Vec::new();
            while let Some(element) = list.next_element::<Option<T>>()? {
                read.extend(element);
                check_length(read.len())?;
            }
            Ok(read)
        }
    }

    deserializer.deserialize_any(ListVisitor(PhantomData))
}

/// Tags, or null. A key that comes twice has the last value.
pub(crate) fn tags<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    struct TagsVisitor;

    impl<'de> Visitor<'de> for TagsVisitor {
        type Value = BTreeMap<String, String>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of texts")
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(BTreeMap::new())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut tags = BTreeMap::new();
            while let Some((key, value)) = map.next_entry::<String, Text>()? {
                tags.insert(key, value.0);
                check_length(tags.len())?;
            }
            Ok(tags)
        }
    }

    deserializer.deserialize_any(TagsVisitor)
}

fn check_length<E: Error>(length: usize) -> Result<(), E> {
    match length {
        0..=ITEMS_MAX => Ok(()),
        _ => Err(E::custom(format_args!("more than {ITEMS_MAX} elements"))),
    }
}

/// A text; null, numbers and booleans are taken for theirs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl Visitor<'_> for TextVisitor {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Text, E> {
                Ok(Text(text))
            }

            fn visit_unit<E: Error>(self) -> Result<Text, E> {
                Ok(Text::default())
            }

            fn visit_bool<E: Error>(self, truth: bool) -> Result<Text, E> {
                Ok(Text(truth.to_string()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Text, E> {
                Ok(Text(crate::value_text::double(number)))
            }
        }

        deserializer.deserialize_any(TextVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(json: &str) -> Result<Vec<String>, String> {
        let mut texts = Vec::new();
        let read = each(json.as_bytes(), |text: Text| {
            texts.push(text.0);
            Ok(())
        });
        read.map(|()| texts).map_err(|error| error.to_string())
    }

    #[test]
    fn elements_one_by_one() {
        let read = texts(r#" ["a", null, 1, -2, 1.5, true] "#).unwrap();
        assert_eq!(read, ["a", "1", "-2", "1.5", "true"]);
        assert_eq!(texts("null").unwrap(), Vec::<String>::new());
        for broken in ["", "{}", "[", r#"["a""#, "[] x", "[[]]"] {
            assert!(texts(broken).unwrap_err().starts_with("invalid JSON: "), "{broken}");
        }
    }

    #[test]
    fn what_is_refused_keeps_its_reason() {
        let read = each(b"[1, 2]", |_: Text| Err(ZipkinError::AnnotationTimestamp));
        assert_eq!(read, Err(ZipkinError::AnnotationTimestamp));
    }

    #[test]
    fn tags_are_limited() {
        let json = |n: usize| {
            let tags: Vec<_> = (0..n).map(|i| format!("\"{i}\":\"\"")).collect();
            format!("{{{}}}", tags.join(","))
        };
        let read =
            |text: &str| tags(&mut serde_json::Deserializer::from_str(text)).map(|t| t.len());
        assert_eq!(read(&json(ITEMS_MAX)).unwrap(), ITEMS_MAX);
        assert!(read(&json(ITEMS_MAX + 1)).is_err());
        assert_eq!(read(r#"{"a":"1","a":null}"#).unwrap(), 1);
        assert_eq!(read("null").unwrap(), 0);
    }
}
