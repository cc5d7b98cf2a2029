//! Other formats into OTLP, within the memory that the request may hold.

use spandrel_base::cpu;
use spandrel_base::memory::Reservation;
use spandrel_datadog::DatadogError;
use spandrel_jaeger::JaegerError;
use spandrel_translate::{Room, Translated};
use spandrel_zipkin::ZipkinError;

use super::intake::Intake;
use super::status::Failure;

/// Bodies up to this size are translated on the thread that serves connections, in about 200 microseconds.
const INLINE_BYTES_MAX: usize = 16 << 10;

/// Translates a body of `n_bytes`. Everything that `translate` takes is held together with the body until it
/// is done; afterwards only the result is.
pub(crate) async fn translate<E>(
    intake: &Intake,
    n_bytes: usize,
    mut held: Reservation,
    translate: impl FnOnce(&mut Room<'_>) -> Result<Translated, E> + Send + 'static,
) -> Result<(Translated, Reservation), Failure>
where
    E: TranslateError,
{
    let work = move || {
        let mut grant = |bytes| held.try_grow(bytes).is_ok();
        let translated = translate(&mut Room::new(&mut grant));
        (translated, held)
    };
    let (translated, mut held) = match n_bytes {
        0..=INLINE_BYTES_MAX => work(),
        _ => cpu::run(work).await.map_err(|error| intake.no_cpu(&error))?,
    };
    let translated = translated.map_err(|error| error.into_failure(intake))?;
    held.shrink_to(translated.otlp.len());
    Ok((translated, held))
}

/// Why a body cannot be translated.
pub(crate) trait TranslateError: std::error::Error + Send + 'static {
    /// The answer to the sender.
    fn into_failure(self, intake: &Intake) -> Failure;
}

impl TranslateError for DatadogError {
    fn into_failure(self, intake: &Intake) -> Failure {
        match self {
            Self::NoRoom(_) => intake.no_room(),
            other => Failure::invalid(other.to_string()),
        }
    }
}

impl TranslateError for JaegerError {
    fn into_failure(self, intake: &Intake) -> Failure {
        match self {
            Self::NoRoom(_) => intake.no_room(),
            other => Failure::invalid(other.to_string()),
        }
    }
}

impl TranslateError for ZipkinError {
    fn into_failure(self, intake: &Intake) -> Failure {
        match self {
            Self::NoRoom(_) => intake.no_room(),
            other => Failure::invalid(other.to_string()),
        }
    }
}
