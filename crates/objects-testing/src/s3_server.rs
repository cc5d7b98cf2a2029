//! A server that speaks S3's protocol, for tests: `s3s` and `s3s-fs` over a temporary directory.
//!
//! It checks signatures and runs on a thread of its own, so that tests without a runtime can use it too.
//!
//! `s3s-fs` checks `If-None-Match: *` before it writes and does not lock in between, so two writers could both
//! create an object. Such requests pass one at a time here, which makes the check what it is in a real store.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use http::header::IF_NONE_MATCH;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use spandrel_base::task::TaskSet;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, oneshot};

/// The bucket that is there from the start.
const BUCKET: &str = "traces";
const KEY_ID: &str = "test-key";
const SECRET: &str = "test-secret";

type Body = UnsyncBoxBody<Bytes, s3s::StdError>;

/// A running server; it ends, and its data goes, when this is dropped.
pub struct S3Server {
    address: SocketAddr,
    handler: Arc<Handler>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
    _dir: TempDir,
}

struct Handler {
    service: S3Service,
    /// Requests that will be answered with 503.
    refusals: AtomicU32,
    creating: Mutex<()>,
}

impl S3Server {
    /// Starts a server with an empty bucket on a free port.
    ///
    /// # Errors
    /// When there is no temporary directory, no port or no thread to be had.
    pub fn start() -> io::Result<Self> {
        let dir = TempDir::with_prefix("spandrel-s3-")?;
        std::fs::create_dir(dir.path().join(BUCKET))?;
        let files =
            FileSystem::new(dir.path()).map_err(|error| io::Error::other(format!("{error:?}")))?;
        let mut service = S3ServiceBuilder::new(files);
        service.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        let handler = Arc::new(Handler {
            service: service.build(),
            refusals: AtomicU32::new(0),
            creating: Mutex::new(()),
        });

        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let serving = Arc::clone(&handler);
        let thread = std::thread::Builder::new().name("s3-server".to_owned()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = serve(listener, serving) => {}
                    _ = stopped => {}
                }
            });
            // Requests that are being answered do not keep the test waiting.
            runtime.shutdown_timeout(Duration::ZERO);
        })?;
        Ok(Self { address, handler, stop: Some(stop), thread: Some(thread), _dir: dir })
    }

    /// The URL of a place in the bucket.
    pub fn url(&self, prefix: &str) -> String {
        format!("s3://{BUCKET}/{prefix}")
    }

    /// What an S3 client must know, by the names of environment variables.
    pub fn environment(&self) -> Vec<(String, String)> {
        let endpoint = format!("http://{}", self.address);
        let variables = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_REGION", "us-east-1"),
        ];
        variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// The next `requests` are answered with 503, which clients repeat.
    pub fn refuse_next(&self, requests: u32) {
        self.handler.refusals.store(requests, Ordering::SeqCst);
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        // The thread may have ended by itself, in a panic that the test has seen.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

async fn serve(listener: std::net::TcpListener, handler: Arc<Handler>) {
    let Ok(listener) = TcpListener::from_std(listener) else { return };
    let connections = TaskSet::new();
    while let Ok((socket, _peer)) = listener.accept().await {
        let handler = Arc::clone(&handler);
        connections.spawn("s3 connection", async move {
            let answer = |request| {
                let handler = Arc::clone(&handler);
                async move { handler.answer(request).await }
            };
            let builder = Builder::new(TokioExecutor::new());
            // A client that goes away is no news.
            let _ = builder.serve_connection(TokioIo::new(socket), service_fn(answer)).await;
        });
    }
}

impl Handler {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, s3s::HttpError> {
        let take = |left: u32| left.checked_sub(1);
        if self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take).is_ok() {
            return Ok(only(StatusCode::SERVICE_UNAVAILABLE));
        }
        // `s3s-fs` would make a bucket of any name.
        if request.uri().path().split('/').nth(1) != Some(BUCKET) {
            return Ok(only(StatusCode::NOT_FOUND));
        }
        let _alone = if request.headers().contains_key(IF_NONE_MATCH) {
            Some(self.creating.lock().await)
        } else {
            None
        };
        let response = self.service.call(request.map(s3s::Body::from)).await?;
        Ok(response.map(BodyExt::boxed_unsync))
    }
}

/// A response without a body.
fn only(status: StatusCode) -> Response<Body> {
    let nothing = Full::default().map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(nothing);
    *response.status_mut() = status;
    response
}
