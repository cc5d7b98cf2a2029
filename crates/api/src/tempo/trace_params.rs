//! Parameters of a trace by its id.

use spandrel_query::{Generations, SpansKept};
use spandrel_traceql::{FieldExpr, compile};

use super::time_range::open_range;
use crate::error::ApiError;
use crate::params::{Params, malformed};

/// Where Tempo may be told to look; the answer is the whole trace whatever is said.
const MODES: [&str; 4] = ["all", "ingesters", "blocks", "external"];

/// Checked parameters.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct TraceParams {
    /// Which spans are asked for; all when there is none.
    pub(super) kept: Option<SpansKept>,
}

impl TraceParams {
    /// Of the first version, which has no `q`.
    ///
    /// # Errors
    /// [`ApiError`], which names the parameter at fault.
    pub(super) fn parse(params: &Params) -> Result<Self, ApiError> {
        if let Some(mode) = params.get("mode")
            && !MODES.contains(&mode)
        {
            return Err(malformed("mode", "all, ingesters, blocks or external", mode));
        }
        for name in ["blockStart", "blockEnd"] {
            if let Some(id) = params.get(name)
                && !is_uuid(id)
            {
                return Err(malformed(name, "a UUID", id));
            }
        }
        open_range(params)?;
        Ok(Self { kept: None })
    }

    /// Of the second version: `q` with `keep_hierarchy`, `match_depth` and `ancestor_depth`, each of which is only
    /// read where it means something.
    ///
    /// # Errors
    /// [`ApiError`], which names the parameter at fault.
    pub(super) fn parse_with_filter(params: &Params) -> Result<Self, ApiError> {
        let without = Self::parse(params)?;
        let Some(q) = params.get("q").map(str::trim).filter(|q| !q.is_empty()) else {
            return Ok(without);
        };
        let ancestors = match params.flag("keep_hierarchy")? {
            true => generations(params, "ancestor_depth")?.unwrap_or(Generations::All),
            false => Generations::UpTo(0),
        };
        let descendants = generations(params, "match_depth")?.unwrap_or(Generations::UpTo(0));
        Ok(Self { kept: Some(SpansKept { filter: filter(q)?, ancestors, descendants }) })
    }
}

fn filter(q: &str) -> Result<FieldExpr, ApiError> {
    let query = compile(q)?;
    let filter = query.spanset_filter().cloned();
    filter.ok_or_else(|| malformed("q", "a single spanset filter such as { status = error }", q))
}

/// A number of generations, -1 for all of them.
fn generations(params: &Params, name: &'static str) -> Result<Option<Generations>, ApiError> {
    let number = params.number(name, -1..=i32::MAX)?;
    Ok(number.map(|number| u32::try_from(number).map_or(Generations::All, Generations::UpTo)))
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let is_hex = groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_hex && (lengths == [8, 4, 4, 4, 12] || lengths == [32])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(query: &str) -> Result<Option<SpansKept>, String> {
        let params = TraceParams::parse_with_filter(&Params::parse(query));
        params.map(|params| params.kept).map_err(|error| error.to_string())
    }

    #[test]
    fn depths_count_where_they_mean_something() {
        assert_eq!(kept("q=+&match_depth=x&keep_hierarchy=x"), Ok(None));
        let relatives = |query| {
            let kept = kept(query).unwrap().unwrap();
            (kept.ancestors, kept.descendants)
        };
        let none = Generations::UpTo(0);
        assert_eq!(relatives("q={}"), (none, none));
        assert_eq!(relatives("q={}&ancestor_depth=-9"), (none, none));
        assert_eq!(
            relatives("q={}&keep_hierarchy=true&match_depth=-1"),
            (Generations::All, Generations::All)
        );
        assert_eq!(
            relatives("q={}&keep_hierarchy=1&ancestor_depth=2&match_depth=3"),
            (Generations::UpTo(2), Generations::UpTo(3))
        );
    }

    #[test]
    fn mistakes_are_named() {
        for (query, text) in [
            ("q={}&match_depth=-2", "unable to parse param 'match_depth': expected a whole number"),
            ("q={}&keep_hierarchy=true&ancestor_depth=x", "unable to parse param 'ancestor_depth'"),
            ("q={}&keep_hierarchy=perhaps", "unable to parse param 'keep_hierarchy'"),
            ("q={", "parse error at line 1, col 2"),
            ("q={} > {}", "unable to parse param 'q': expected a single spanset filter"),
            ("mode=everywhere", "unable to parse param 'mode': expected all, ingesters"),
            ("blockStart=5", "unable to parse param 'blockStart': expected a UUID, got '5'"),
            ("start=2&end=2", "http parameter start must be before end. received start=2 end=2"),
        ] {
            let error = kept(query).unwrap_err();
            assert!(error.starts_with(text), "{query}: {error}");
        }
        assert_eq!(kept("mode=blocks&blockStart=00000000-0000-0000-0000-000000000000"), Ok(None));
    }
}
