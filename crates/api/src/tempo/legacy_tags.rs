//! `tags` of a search from before TraceQL: logfmt pairs such as `foo=bar root.name="GET /"`.
//!
//! All pairs must hold for one span, and a value must be equal in its printed form, as in the
//! TraceQL query that Tempo's documentation gives for them.

use std::iter::Peekable;
use std::str::Chars;

use spandrel_traceql::ast::BinaryOp;
use spandrel_traceql::{Attribute, FieldExpr, Intrinsic, Static, Status};

use crate::error::ApiError;
use crate::params::malformed;
use crate::value_match::{TAGS_MAX, all_of, compare, prints_as};

const EXPECTED: &str = "logfmt pairs such as foo=bar or foo=\"b a r\"";

/// What a tag is called in TraceQL; a few plain names mean something other than an attribute.
pub(super) fn attribute_of_tag(tag: &str) -> Attribute {
    match tag {
        "name" => Intrinsic::Name.into(),
        "root.name" => Intrinsic::RootName.into(),
        "root.service.name" => Intrinsic::RootServiceName.into(),
        "status.code" => Intrinsic::Status.into(),
        _ => Attribute::unscoped(tag),
    }
}

/// The filter that the value of `tags` stands for.
///
/// # Errors
/// [`ApiError::Parameter`] when it is not logfmt, has too many pairs, or a status that does not
/// exist.
pub(super) fn filter(tags: &str) -> Result<FieldExpr, ApiError> {
    let pairs = parse_logfmt(tags).ok_or_else(|| malformed("tags", EXPECTED, tags))?;
    if pairs.len() > TAGS_MAX {
        return Err(malformed("tags", format!("at most {TAGS_MAX} pairs"), tags));
    }
    let conditions: Result<Vec<_>, _> =
        pairs.iter().map(|(tag, value)| condition(tag, value)).collect();
    conditions.map(all_of)
}

fn condition(tag: &str, value: &str) -> Result<FieldExpr, ApiError> {
    let is_error = |op| compare(Intrinsic::Status, op, Static::Status(Status::Error));
    match (tag, value) {
        ("error", "true") => Ok(is_error(BinaryOp::Equal)),
        ("error", "false") => Ok(is_error(BinaryOp::NotEqual)),
        ("status.code", _) => {
            let known = [Status::Error, Status::Ok, Status::Unset];
            let status = known.into_iter().find(|status| status.as_str() == value);
            let expected = "status.code to be error, ok or unset";
            let status = status.ok_or_else(|| malformed("tags", expected, value))?;
            Ok(compare(Intrinsic::Status, BinaryOp::Equal, Static::Status(status)))
        }
        _ => match attribute_of_tag(tag) {
            attribute @ Attribute::Intrinsic(_) => {
                Ok(compare(attribute, BinaryOp::Equal, Static::String(value.to_owned())))
            }
            attribute => Ok(prints_as(&attribute, value)),
        },
    }
}

fn parse_logfmt(text: &str) -> Option<Vec<(String, String)>> {
    let mut chars = text.chars().peekable();
    let mut pairs = Vec::new();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Some(pairs);
        }
        let mut key = String::new();
        while let Some(c) = chars.next_if(|c| !c.is_whitespace() && *c != '=' && *c != '"') {
            key.push(c);
        }
        chars.next_if_eq(&'=')?;
        if key.is_empty() {
            return None;
        }
        pairs.push((key, logfmt_value(&mut chars)?));
    }
}

fn logfmt_value(chars: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut value = String::new();
    if chars.next_if_eq(&'"').is_none() {
        while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
            value.push(c);
        }
        return Some(value);
    }
    loop {
        match chars.next()? {
            '"' => break,
            '\\' => value.push(match chars.next()? {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                c => c,
            }),
            c => value.push(c),
        }
    }
    match chars.peek() {
        Some(c) if !c.is_whitespace() => None,
        _ => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value_match::filter_query;

    fn query(tags: &str) -> Result<String, String> {
        let filter = filter(tags).map_err(|error| error.to_string())?;
        Ok(filter_query(filter).to_string())
    }

    #[test]
    fn tags_become_conditions_on_one_span() {
        for (tags, expected) in [
            ("  ", "{ true }"),
            ("foo=Bar", "{ .foo = `Bar` }"),
            ("service.name=\"My \\\"Service\\\"\"", "{ .service.name = `My \"Service\"` }"),
            (
                "http.status_code=200",
                "{ (.http.status_code = `200`) || (.http.status_code = 200) }",
            ),
            ("name=GET root.name=\"GET /\"", "{ (name = `GET`) && (rootName = `GET /`) }"),
            (
                "root.service.name=shop status.code=ok",
                "{ (rootServiceName = `shop`) && (status = ok) }",
            ),
            ("error=true", "{ status = error }"),
            ("error=false", "{ status != error }"),
            ("url=a=b empty=", "{ (.url = `a=b`) && (.empty = ``) }"),
        ] {
            assert_eq!(query(tags).as_deref(), Ok(expected), "{tags}");
        }
    }

    #[test]
    fn what_is_not_logfmt_is_refused() {
        for tags in ["foo", "=bar", "foo=\"bar", "foo=\"bar\"x", "fo\"o=bar"] {
            let expected = format!(
                "unable to parse param 'tags': expected logfmt pairs such as foo=bar or foo=\"b \
                    a r\", got '{tags}'"
            );
            assert_eq!(query(tags), Err(expected));
        }
        let many = "a=b ".repeat(TAGS_MAX + 1);
        assert!(query(&many).unwrap_err().contains("expected at most 100 pairs"));
        assert!(query("status.code=fine").unwrap_err().contains("error, ok or unset"));
    }
}
