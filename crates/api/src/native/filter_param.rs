//! A spanset filter as a parameter.

use spandrel_traceql::{FieldExpr, compile};

use crate::error::ApiError;
use crate::params::{Params, malformed};

/// The filter of a parameter; `None` when it is absent.
///
/// # Errors
/// [`ApiError::TraceQl`] when it is no query, [`ApiError::Parameter`] when it is more than one filter.
pub(super) fn filter_param(
    params: &Params,
    name: &'static str,
) -> Result<Option<FieldExpr>, ApiError> {
    let Some(text) = params.get(name) else { return Ok(None) };
    let query = compile(text)?;
    match query.spanset_filter() {
        Some(filter) => Ok(Some(filter.clone())),
        None => Err(malformed(name, "one filter, as in { status = error }", text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_and_nothing_else() {
        let filter = |query| {
            let filter = filter_param(&Params::parse(query), "q");
            filter.map(|filter| filter.map(|f| f.to_string())).map_err(|error| error.to_string())
        };
        assert_eq!(filter(""), Ok(None));
        assert_eq!(filter("q=%7B.a=1%7D"), Ok(Some(".a = 1".to_owned())));
        assert_eq!(
            filter("q=%7B%7D|rate()").unwrap_err(),
            "unable to parse param 'q': expected one filter, as in { status = error }, got '{}|rate()'"
        );
        assert!(filter("q=%7B").unwrap_err().starts_with("parse error at line 1, col 2"));
    }
}
