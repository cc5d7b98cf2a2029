//! The exporters.

use std::sync::Arc;

use spandrel_config::Section;
use spandrel_exporters as exporters;
use spandrel_metrics_exporters::prometheus::{PrometheusExporter, PrometheusSettings};
use spandrel_metrics_exporters::remote_write::{RemoteWriteExporter, RemoteWriteSettings};
use spandrel_pipeline::{ComponentError, TraceComponent};

use super::{MakeExporter, Type};
use crate::store::StoreExporter;

/// A reader of settings whose result makes an exporter that may use extensions.
macro_rules! exporter {
    ($settings:ty, $exporter:ty) => {
        |section: &mut Section<'_>| -> MakeExporter {
            let settings = <$settings>::read(section);
            MakeExporter::Traces(Arc::new(move |around, context| {
                let exporter = <$exporter>::new(settings.clone(), &around.extensions, context)?;
                Ok(Arc::new(exporter) as Arc<dyn TraceComponent>)
            }))
        }
    };
}

pub(super) const TYPES: &[Type<MakeExporter>] = &[
    ("debug", exporter!(exporters::DebugSettings, exporters::DebugExporter)),
    ("file", file),
    ("jaeger_storage_exporter", jaeger_storage),
    #[cfg(feature = "kafka")]
    ("kafka", kafka),
    ("load_balancing", load_balancing),
    ("logging", exporter!(exporters::DebugSettings, exporters::DebugExporter)),
    ("nop", nop),
    ("otlp_grpc", exporter!(exporters::OtlpGrpcSettings, exporters::OtlpGrpcExporter)),
    ("otlp_http", exporter!(exporters::OtlpHttpSettings, exporters::OtlpHttpExporter)),
    ("prometheus", prometheus),
    ("prometheus_remote_write", prometheus_remote_write),
    ("spandrel", store),
    ("zipkin", exporter!(exporters::ZipkinSettings, exporters::ZipkinExporter)),
];

fn prometheus(section: &mut Section<'_>) -> MakeExporter {
    let settings = PrometheusSettings::read(section);
    MakeExporter::Metrics(Arc::new(move |_, context| {
        Ok(Arc::new(PrometheusExporter::new(settings.clone(), context)?))
    }))
}

fn prometheus_remote_write(section: &mut Section<'_>) -> MakeExporter {
    let settings = RemoteWriteSettings::read(section);
    MakeExporter::Metrics(Arc::new(move |around, context| {
        let exporter = RemoteWriteExporter::new(settings.clone(), &around.extensions, context)?;
        Ok(Arc::new(exporter))
    }))
}

fn file(section: &mut Section<'_>) -> MakeExporter {
    let settings = exporters::FileSettings::read(section);
    MakeExporter::Traces(Arc::new(move |_, context| {
        Ok(Arc::new(exporters::FileExporter::new(settings.clone(), context)))
    }))
}

/// Jaeger's name for the end of a pipeline in the store of its process.
fn jaeger_storage(section: &mut Section<'_>) -> MakeExporter {
    section.get::<String>("trace_storage");
    section.ignore(
        &["queue", "sending_queue", "retry_on_failure", "timeout"],
        "the store answers when spans are durable",
    );
    store(section)
}

#[cfg(feature = "kafka")]
fn kafka(section: &mut Section<'_>) -> MakeExporter {
    let settings = spandrel_kafka::KafkaExporterSettings::read(section);
    MakeExporter::Traces(Arc::new(move |around, context| {
        let extensions = &around.extensions;
        Ok(Arc::new(spandrel_kafka::KafkaExporter::new(settings.clone(), extensions, context)?))
    }))
}

fn load_balancing(section: &mut Section<'_>) -> MakeExporter {
    let settings = exporters::LoadBalancingSettings::read(section);
    MakeExporter::Traces(Arc::new(move |around, context| {
        // Without settings there was a problem, and nothing is made.
        let unread = || ComponentError::new("its settings have problems");
        let settings = settings.clone().ok_or_else(unread)?;
        Ok(Arc::new(exporters::LoadBalancingExporter::new(settings, &around.extensions, context)?))
    }))
}

fn nop(section: &mut Section<'_>) -> MakeExporter {
    let settings = exporters::NopSettings::read(section);
    MakeExporter::Traces(Arc::new(move |_, context| {
        Ok(Arc::new(exporters::NopExporter::new(settings.clone(), &context)))
    }))
}

/// The store of this process. It has no settings here: where it lies and what it may take is said by the extension
/// `spandrel_storage` or on the command line.
fn store(_: &mut Section<'_>) -> MakeExporter {
    MakeExporter::Traces(Arc::new(|around, context| {
        let store = around.store.clone();
        let store = store.ok_or_else(|| ComponentError::new("this process has no store"))?;
        Ok(Arc::new(StoreExporter::new(store, &context)))
    }))
}
