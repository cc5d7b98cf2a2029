//! Zipkin's queries on the port where its spans arrive.

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{Response, StatusCode};
use spandrel_receivers::ZipkinReads;
use tower::ServiceExt;

/// Questions are answered by these routes.
pub(crate) fn reads(routes: Router) -> ZipkinReads {
    ZipkinReads::new(move |request| {
        let routes = routes.clone();
        async move {
            let Ok(answer) = routes.oneshot(request.map(Body::new)).await;
            let (parts, body) = answer.into_parts();
            // The answer is in memory already, and no larger than queries may make it.
            match to_bytes(body, usize::MAX).await {
                Ok(body) => Response::from_parts(parts, body),
                Err(_) => {
                    let mut failed = Response::new(Bytes::new());
                    *failed.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                    failed
                }
            }
        }
    })
}
