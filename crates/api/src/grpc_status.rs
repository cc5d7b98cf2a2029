//! Failures as gRPC statuses, by the status that HTTP would have.

use http::StatusCode;
use tonic::{Code, Status};

use crate::error::ApiError;

/// The status of a failure, with its text; written to the log when the server is at fault.
pub(crate) fn status_of(error: &ApiError) -> Status {
    error.log();
    Status::new(code_of(error.status()), error.to_string())
}

fn code_of(status: StatusCode) -> Code {
    match status.as_u16() {
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 => Code::NotFound,
        // Too large for what one query may have, or for what is left.
        422 | 429 => Code::ResourceExhausted,
        499 => Code::Cancelled,
        501 => Code::Unimplemented,
        400..=498 => Code::InvalidArgument,
        _ => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_tempo() {
        let codes = [400, 401, 404, 422, 429, 499, 500, 503, 504]
            .map(|status| code_of(StatusCode::from_u16(status).unwrap()));
        assert_eq!(
            codes,
            [
                Code::InvalidArgument,
                Code::Unauthenticated,
                Code::NotFound,
                Code::ResourceExhausted,
                Code::ResourceExhausted,
                Code::Cancelled,
                Code::Internal,
                Code::Internal,
                Code::Internal,
            ]
        );
    }
}
