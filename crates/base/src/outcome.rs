//! The closed set of outcomes an operation can report to its caller over any protocol.
//!
//! One table gives the gRPC status code, the HTTP status and whether to try again. The HTTP statuses
//! are those of the OTLP/HTTP receiver of the OpenTelemetry Collector, which leaves everything that
//! a sender cannot act upon at 500. An HTTP interface with statuses of its own (a query API whose
//! `NotFound` is 404) maps [`OutcomeCode`] itself.

/// What became of an operation; the names and numbers are gRPC's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OutcomeCode {
    /// It was done.
    Ok,
    /// The request is wrong and stays wrong.
    InvalidArgument,
    /// What was asked for does not exist.
    NotFound,
    /// What should be created exists.
    AlreadyExists,
    /// The caller is known and may not do this.
    PermissionDenied,
    /// The caller is not known.
    Unauthenticated,
    /// A limit or budget is used up for now.
    ResourceExhausted,
    /// The service cannot do it for now.
    Unavailable,
    /// It was not done in time.
    DeadlineExceeded,
    /// The caller or the service gave up before it was done.
    Cancelled,
    /// The service never does this.
    Unimplemented,
    /// The service is at fault.
    Internal,
}

impl OutcomeCode {
    /// The number in `grpc-status` and `google.rpc.Status.code`.
    pub const fn grpc_code(self) -> i32 {
        match self {
            Self::Ok => 0,
            Self::Cancelled => 1,
            Self::InvalidArgument => 3,
            Self::DeadlineExceeded => 4,
            Self::NotFound => 5,
            Self::AlreadyExists => 6,
            Self::PermissionDenied => 7,
            Self::ResourceExhausted => 8,
            Self::Unimplemented => 12,
            Self::Internal => 13,
            Self::Unavailable => 14,
            Self::Unauthenticated => 16,
        }
    }

    /// The status of an OTLP/HTTP answer. `NotFound` and `AlreadyExists` are 500, see the module.
    pub const fn http_status(self) -> u16 {
        match self {
            Self::Ok => 200,
            Self::InvalidArgument => 400,
            Self::Unauthenticated => 401,
            Self::PermissionDenied => 403,
            Self::Unimplemented => 404,
            Self::ResourceExhausted => 429,
            Self::Cancelled | Self::DeadlineExceeded | Self::Unavailable => 503,
            Self::NotFound | Self::AlreadyExists | Self::Internal => 500,
        }
    }

    /// Whether the same request may succeed later.
    ///
    /// OTLP senders retry `ResourceExhausted` over gRPC only when the status carries a `RetryInfo`,
    /// so whoever sends that code attaches one.
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::Cancelled
            | Self::DeadlineExceeded
            | Self::ResourceExhausted
            | Self::Unavailable => true,
            Self::Ok
            | Self::InvalidArgument
            | Self::NotFound
            | Self::AlreadyExists
            | Self::PermissionDenied
            | Self::Unauthenticated
            | Self::Unimplemented
            | Self::Internal => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::OutcomeCode::{self, *};

    #[test]
    fn the_table_is_the_one_of_the_specifications() {
        let table: [(OutcomeCode, i32, u16, bool); 12] = [
            (Ok, 0, 200, false),
            (Cancelled, 1, 503, true),
            (InvalidArgument, 3, 400, false),
            (DeadlineExceeded, 4, 503, true),
            (NotFound, 5, 500, false),
            (AlreadyExists, 6, 500, false),
            (PermissionDenied, 7, 403, false),
            (ResourceExhausted, 8, 429, true),
            (Unimplemented, 12, 404, false),
            (Internal, 13, 500, false),
            (Unavailable, 14, 503, true),
            (Unauthenticated, 16, 401, false),
        ];
        for (code, grpc_code, http_status, is_retryable) in table {
            assert_eq!(
                (code.grpc_code(), code.http_status(), code.is_retryable()),
                (grpc_code, http_status, is_retryable),
                "{code:?}"
            );
        }
    }
}
