//! What goes on in the background: files are read again, probabilities computed again.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use parking_lot::RwLock;
use spandrel_model::TenantId;

use crate::source::OpenFile;
use crate::{Adaptive, RemoteSamplingError, Strategies, Strategy, StrategyFile, StrategySource};

/// The strategies of a file, as it is now.
#[derive(Debug)]
pub struct FileStrategies {
    file: OpenFile,
    probability: f64,
    in_force: RwLock<Read>,
}

#[derive(Debug)]
struct Read {
    bytes: Vec<u8>,
    strategies: Strategies,
}

impl FileStrategies {
    /// Reads the file; `probability` is that of services for which it has nothing.
    ///
    /// # Errors
    /// [`RemoteSamplingError`] when it cannot be read.
    pub fn open(
        file: StrategyFile,
        probability: f64,
    ) -> BoxFuture<'static, Result<Self, RemoteSamplingError>> {
        Box::pin(async move {
            let file = file.open()?;
            let bytes = file.read().await?;
            let strategies = Strategies::parse(&bytes, probability)?;
            Ok(Self { file, probability, in_force: RwLock::new(Read { bytes, strategies }) })
        })
    }

    /// Reads the file again if it has changed. What was in force stays when that fails.
    ///
    /// # Errors
    /// [`RemoteSamplingError`] when it cannot be read.
    pub fn reload(&self) -> BoxFuture<'_, Result<(), RemoteSamplingError>> {
        Box::pin(async move {
            let bytes = self.file.read().await?;
            if self.in_force.read().bytes == bytes {
                return Ok(());
            }
            let strategies = Strategies::parse(&bytes, self.probability)?;
            *self.in_force.write() = Read { bytes, strategies };
            tracing::info!("sampling strategies have changed");
            Ok(())
        })
    }
}

impl StrategySource for FileStrategies {
    fn strategy(&self, tenant: &TenantId, service: &str) -> Strategy {
        self.in_force.read().strategies.strategy(tenant, service)
    }
}

/// Reads the file again at every interval, for ever.
pub fn keep_reloading(
    strategies: Arc<FileStrategies>,
    interval: Duration,
) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        loop {
            tokio::time::sleep(interval).await;
            if let Err(error) = strategies.reload().await {
                tracing::warn!(%error, "sampling strategies stay as they were");
            }
        }
    })
}

/// Computes probabilities at every interval, for ever, and keeps them in a file.
pub fn keep_adapting(adaptive: Arc<Adaptive>, path: PathBuf) -> BoxFuture<'static, ()> {
    Box::pin(async move {
        loop {
            tokio::time::sleep(adaptive.options().calculation_interval).await;
            adaptive.calculate();
            if let Err(error) = adaptive.save(&path) {
                tracing::warn!(%error, "sampling probabilities are not kept on disk");
            }
        }
    })
}
