//! Parameters of a query string. An empty value counts as absent: several clients send
//! `end=&limit=` for fields that their user left blank.

use std::convert::Infallible;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::error::ApiError;

/// The decoded parameters of one request, in order.
#[derive(Debug)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Decodes a query string; what is not UTF-8 becomes U+FFFD.
    pub(crate) fn parse(query: &str) -> Self {
        Self(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// Parameters that came in another form than a query string.
    pub(crate) fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// The first value of a parameter.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// All values of a parameter.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(key, _)| key == name);
        named.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A whole number within bounds.
    ///
    /// # Errors
    /// [`ApiError::Parameter`] when it is anything else.
    pub(crate) fn number<T>(
        &self,
        name: &'static str,
        bounds: RangeInclusive<T>,
    ) -> Result<Option<T>, ApiError>
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(value) = self.get(name) else { return Ok(None) };
        match value.parse() {
            Ok(number) if bounds.contains(&number) => Ok(Some(number)),
            _ => {
                let (min, max) = bounds.into_inner();
                Err(malformed(name, format!("a whole number from {min} to {max}"), value))
            }
        }
    }

    /// A truth value, false when absent.
    ///
    /// # Errors
    /// [`ApiError::Parameter`] when it is anything but true or false, in one of Go's spellings.
    pub(crate) fn flag(&self, name: &'static str) -> Result<bool, ApiError> {
        match self.get(name) {
            None | Some("0" | "f" | "F" | "false" | "False" | "FALSE") => Ok(false),
            Some("1" | "t" | "T" | "true" | "True" | "TRUE") => Ok(true),
            Some(value) => Err(malformed(name, "true or false", value)),
        }
    }
}

/// The error of a value that its parameter cannot have.
pub(crate) fn malformed(name: &'static str, expected: impl Into<String>, value: &str) -> ApiError {
    ApiError::Parameter { name, expected: expected.into(), value: value.to_owned() }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_values_are_absent() {
        let params = Params::parse("a=&a=x+y&b=%7B%20%7D&a=z&c");
        assert_eq!(params.get("a"), Some("x y"));
        assert_eq!(params.all("a").collect::<Vec<_>>(), ["x y", "z"]);
        assert_eq!(params.get("b"), Some("{ }"));
        assert_eq!(params.get("c"), None);
    }

    #[test]
    fn a_bad_number_is_named_with_its_bounds() {
        let params = Params::parse("limit=0&spss=3");
        assert_eq!(params.number("spss", 1..=100).unwrap(), Some(3));
        assert_eq!(params.number("absent", 1..=100).unwrap(), None);
        assert_eq!(
            params.number("limit", 1..=100).unwrap_err().to_string(),
            "unable to parse param 'limit': expected a whole number from 1 to 100, got '0'"
        );
    }

    #[test]
    fn a_flag_is_true_or_false() {
        let params = Params::parse("raw=true&prettyPrint=maybe");
        assert!(params.flag("raw").unwrap());
        assert!(!params.flag("absent").unwrap());
        assert_eq!(
            params.flag("prettyPrint").unwrap_err().to_string(),
            "unable to parse param 'prettyPrint': expected true or false, got 'maybe'"
        );
    }
}
