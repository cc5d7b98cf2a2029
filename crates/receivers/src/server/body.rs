//! Request bodies from the network into memory, within time, size and budget.
//!
//! A body that arrives in one piece is passed on without copying; several pieces are joined.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use spandrel_base::cpu;
use spandrel_base::memory::Reservation;
use spandrel_base::outcome::OutcomeCode;

use super::compression::{Encoding, Inflate, InflateError};
use super::intake::Intake;
use super::status::Failure;

/// Output of a decompression on the thread that serves connections; more goes to [`cpu::run`]. Takes
/// about 200 microseconds.
const INLINE_BYTES_MAX: usize = 64 << 10;
/// First allocation for a body whose length is announced: a liar must not cost more.
const RESERVE_BYTES_MAX: usize = 1 << 20;
/// How much of a refused HTTP/1.1 body is read and dropped, and for how long, so that a sender that reads
/// only after writing sees the answer and not a reset connection, which it would take as a reason to try
/// again. OTLP recommends that senders stay below this size.
const DISCARD_BYTES_MAX: usize = 64 << 20;
const DISCARD_TIMEOUT: Duration = Duration::from_secs(2);

/// A body that is being read.
pub(crate) struct BodyReader<'a> {
    intake: &'a Intake,
    body: Incoming,
    /// The only piece so far, as it came; empty as soon as there are two.
    only: Bytes,
    joined: BytesMut,
    ended: bool,
    /// How long the body will be, as far as known; zero if not.
    n_expected: usize,
    n_received: usize,
    held: Reservation,
}

impl<'a> BodyReader<'a> {
    pub(crate) fn new(intake: &'a Intake, body: Incoming) -> Self {
        let n_announced = body.size_hint().exact().unwrap_or(0);
        Self {
            intake,
            n_expected: usize::try_from(n_announced).unwrap_or(usize::MAX),
            body,
            only: Bytes::new(),
            joined: BytesMut::new(),
            ended: false,
            n_received: 0,
            held: intake.in_flight.reservation(),
        }
    }

    /// Bytes received so far.
    pub(crate) fn n_received(&self) -> usize {
        self.n_received
    }

    /// How long the body will be: what the sender has announced, or [`BodyReader::expect`]; zero if
    /// nobody knows.
    pub(crate) fn n_expected(&self) -> usize {
        self.n_expected
    }

    /// Tells how long the body will be, where its own prefix says so.
    pub(crate) fn expect(&mut self, n_bytes: usize) {
        self.n_expected = n_bytes;
    }

    /// Reads until at least `wanted` bytes are there or the body ends; `true` if they are there. More
    /// may be there than wanted, because pieces are kept whole.
    pub(crate) async fn fill(&mut self, wanted: usize) -> Result<bool, Failure> {
        while self.len() < wanted && !self.ended {
            let Some(frame) = self.body.frame().await else {
                self.ended = true;
                break;
            };
            let frame = frame.map_err(|error| {
                Failure::new(OutcomeCode::Cancelled, format!("request body broke off: {error}"))
            })?;
            // Trailers of a request mean nothing in OTLP.
            let Ok(data) = frame.into_data() else { continue };
            self.n_received = self.n_received.saturating_add(data.len());
            if self.held.try_grow(data.len()).is_err() {
                return Err(self.intake.no_room());
            }
            self.push(data);
        }
        Ok(self.len() >= wanted)
    }

    /// Takes the bytes that are there.
    pub(crate) fn take(&mut self) -> Bytes {
        match self.joined.is_empty() {
            true => std::mem::take(&mut self.only),
            false => self.joined.split().freeze(),
        }
    }

    /// Puts back bytes that were taken; nothing may have been read in between.
    pub(crate) fn put_back(&mut self, bytes: Bytes) {
        self.only = bytes;
    }

    /// Takes the reservation of what was received.
    pub(crate) fn take_held(&mut self) -> Reservation {
        std::mem::replace(&mut self.held, self.intake.in_flight.reservation())
    }

    /// Gives up on a body that does not arrive.
    pub(crate) fn abandon(&mut self) {
        self.ended = true;
    }

    /// Gives everything back, then reads and drops a limited part of what is left.
    pub(crate) async fn discard(mut self) {
        drop(self.take());
        self.held.shrink_to(0);
        let read = async {
            let mut n_dropped = 0_usize;
            while !self.ended && n_dropped < DISCARD_BYTES_MAX {
                let Some(Ok(frame)) = self.body.frame().await else { return };
                n_dropped = n_dropped.saturating_add(frame.data_ref().map_or(0, Bytes::len));
            }
        };
        // A sender that is still busy after that gets its connection closed.
        drop(tokio::time::timeout(DISCARD_TIMEOUT, read).await);
    }

    fn len(&self) -> usize {
        self.only.len().saturating_add(self.joined.len())
    }

    fn push(&mut self, data: Bytes) {
        if self.len() == 0 {
            self.only = data;
            return;
        }
        if self.joined.is_empty() {
            let first = std::mem::take(&mut self.only);
            self.joined.reserve(self.n_expected.min(RESERVE_BYTES_MAX));
            self.joined.extend_from_slice(&first);
        }
        self.joined.extend_from_slice(&data);
    }
}

/// Inflates `body`; afterwards only the plain bytes are held.
pub(crate) async fn inflate(
    intake: &Intake,
    encoding: Encoding,
    body: Bytes,
    bytes_max: usize,
    mut held: Reservation,
) -> Result<(Bytes, Reservation), Failure> {
    let mut inflate = Inflate::new(encoding, body, bytes_max);
    let small = inflate.advance(INLINE_BYTES_MAX, |bytes| held.try_grow(bytes).is_ok());
    if !small.map_err(|error| inflate_failure(intake, &error))? {
        let work = move || {
            let ended = inflate.advance(usize::MAX, |bytes| held.try_grow(bytes).is_ok());
            ended.map(|_| (inflate, held))
        };
        let inflated = cpu::run(work).await.map_err(|error| intake.no_cpu(&error))?;
        (inflate, held) = inflated.map_err(|error| inflate_failure(intake, &error))?;
    }
    let plain = inflate.into_output();
    held.shrink_to(plain.len());
    Ok((plain, held))
}

fn inflate_failure(intake: &Intake, error: &InflateError) -> Failure {
    match error {
        InflateError::Damaged { .. } => Failure::invalid(error.to_string()),
        InflateError::TooLarge { .. } => Failure::too_large(error.to_string()),
        InflateError::NoRoom => intake.no_room(),
    }
}
