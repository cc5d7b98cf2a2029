//! What a search asks for, and whether a trace is an answer.

use spandrel_zipkin::{Endpoint, Span};

use crate::annotation_query::{Term, terms};
use crate::error::ZipkinApiError;
use crate::params::Params;

/// A search of Zipkin. Names are in lower case.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ZipkinQuery {
    pub(crate) service: Option<String>,
    pub(crate) remote_service: Option<String>,
    pub(crate) span_name: Option<String>,
    pub(crate) terms: Vec<Term>,
    pub(crate) duration_min_micros: Option<u64>,
    pub(crate) duration_max_micros: Option<u64>,
    pub(crate) times: Times,
    pub(crate) limit: usize,
}

/// When traces have to begin, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) from_micros: i64,
    pub(crate) to_micros: i64,
}

/// As Zipkin looks back when nobody says how far.
const LOOKBACK_MILLIS: i64 = 24 * 3_600 * 1_000;
const LIMIT_DEFAULT: i64 = 10;
/// Each trace of an answer is held whole.
const LIMIT_MAX: i64 = 10_000;
const NANOS_PER_MILLI: u64 = 1_000_000;

impl Times {
    /// `endTs` and `lookback`, both in milliseconds; now and a day when absent.
    ///
    /// # Errors
    /// [`ZipkinApiError`] when one of them is not positive.
    pub(crate) fn of(params: &Params, now_unix_nanos: u64) -> Result<Self, ZipkinApiError> {
        let now = i64::try_from(now_unix_nanos / NANOS_PER_MILLI).unwrap_or(i64::MAX);
        let end = params.number("endTs")?.unwrap_or(now);
        let lookback = params.number("lookback")?.unwrap_or(LOOKBACK_MILLIS);
        if end <= 0 {
            return Err(ZipkinApiError::Impossible("endTs <= 0"));
        }
        if lookback <= 0 {
            return Err(ZipkinApiError::Impossible("lookback <= 0"));
        }
        Ok(Self {
            from_micros: end.saturating_sub(lookback).saturating_mul(1_000),
            to_micros: end.saturating_mul(1_000),
        })
    }

    fn include(self, micros: u64) -> bool {
        let micros = i64::try_from(micros).unwrap_or(i64::MAX);
        (self.from_micros..=self.to_micros).contains(&micros)
    }
}

impl ZipkinQuery {
    /// Reads the parameters.
    ///
    /// # Errors
    /// [`ZipkinApiError`], with the texts of Zipkin.
    pub(crate) fn read(params: &Params, now_unix_nanos: u64) -> Result<Self, ZipkinApiError> {
        let impossible = |text| Err(ZipkinApiError::Impossible(text));
        let min = params.number("minDuration")?;
        let max = params.number("maxDuration")?;
        let limit = params.number("limit")?.unwrap_or(LIMIT_DEFAULT);
        let times = Times::of(params, now_unix_nanos)?;
        if limit <= 0 {
            return impossible("limit <= 0");
        }
        match (min, max) {
            (Some(min), _) if min <= 0 => return impossible("minDuration <= 0"),
            (Some(min), Some(max)) if max < min => return impossible("maxDuration < minDuration"),
            (None, Some(_)) => return impossible("maxDuration is only valid with minDuration"),
            _ => {}
        }
        let lower = |name| params.get(name).map(str::to_lowercase);
        Ok(Self {
            service: lower("serviceName"),
            remote_service: lower("remoteServiceName"),
            span_name: lower("spanName").filter(|name| name != "all"),
            terms: params.get("annotationQuery").map(terms).unwrap_or_default(),
            duration_min_micros: min.map(i64::unsigned_abs),
            duration_max_micros: max.map(i64::unsigned_abs),
            times,
            limit: usize::try_from(limit.min(LIMIT_MAX)).unwrap_or(usize::MAX),
        })
    }

    /// Whether the trace, whose names are in lower case, is an answer.
    pub(crate) fn accepts(&self, trace: &[Span]) -> bool {
        if !begin_micros(trace).is_some_and(|begin| self.times.include(begin)) {
            return false;
        }
        let local = |span: &Span| is_named(span.local_endpoint.as_ref(), self.service.as_deref());
        let of_service: Vec<&Span> = trace.iter().filter(|span| local(span)).collect();
        let any = |test: &dyn Fn(&Span) -> bool| of_service.iter().any(|span| test(span));
        let remote =
            |span: &Span| is_named(span.remote_endpoint.as_ref(), self.remote_service.as_deref());
        any(&|_| true)
            && any(&remote)
            && any(&|span| self.span_name.as_ref().is_none_or(|name| span.name == *name))
            && any(&|span| self.lasts(span))
            && self.terms.iter().all(|term| any(&|span| term.is_of(span)))
    }

    fn lasts(&self, span: &Span) -> bool {
        self.duration_min_micros.is_none_or(|min| span.duration_micros >= min)
            && self.duration_max_micros.is_none_or(|max| span.duration_micros <= max)
    }
}

fn is_named(endpoint: Option<&Endpoint>, name: Option<&str>) -> bool {
    name.is_none_or(|name| endpoint.is_some_and(|endpoint| endpoint.service_name == name))
}

/// When a trace begins: at its root, or else at its first span; `None` when nobody knows.
pub(crate) fn begin_micros(trace: &[Span]) -> Option<u64> {
    let timed = || trace.iter().filter(|span| span.timestamp_micros > 0);
    let root = timed().find(|span| span.parent_id.is_none());
    let first = || timed().map(|span| span.timestamp_micros).min();
    root.map(|root| root.timestamp_micros).or_else(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_700_000_000_000_000_000;

    fn read(query: &str) -> Result<ZipkinQuery, String> {
        ZipkinQuery::read(&Params::parse(query), NOW).map_err(|error| error.to_string())
    }

    #[test]
    fn nothing_is_required() {
        let query = read("serviceName=&spanName=all&annotationQuery=&limit=").unwrap();
        assert_eq!(
            query,
            ZipkinQuery {
                service: None,
                remote_service: None,
                span_name: None,
                terms: Vec::new(),
                duration_min_micros: None,
                duration_max_micros: None,
                times: Times {
                    from_micros: 1_699_913_600_000_000,
                    to_micros: 1_700_000_000_000_000,
                },
                limit: 10,
            }
        );
        assert_eq!(read("serviceName=Shop").unwrap().service.as_deref(), Some("shop"));
    }

    #[test]
    fn errors_have_the_texts_of_zipkin() {
        for (query, error) in [
            ("endTs=0", "endTs <= 0"),
            ("lookback=-1", "lookback <= 0"),
            ("limit=0", "limit <= 0"),
            ("minDuration=0", "minDuration <= 0"),
            ("minDuration=2&maxDuration=1", "maxDuration < minDuration"),
            ("maxDuration=1", "maxDuration is only valid with minDuration"),
            ("limit=ten", "parameter limit is not a whole number: ten"),
        ] {
            assert_eq!(read(query).unwrap_err(), error, "{query}");
        }
    }
}
