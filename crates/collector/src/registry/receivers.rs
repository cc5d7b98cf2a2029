//! The receivers.

use std::sync::Arc;

use spandrel_config::Section;
use spandrel_pipeline::Component;
use spandrel_receivers as receivers;

use super::{MakeReceiver, Type};

/// A reader of settings whose result makes the receiver.
macro_rules! receiver {
    ($settings:ty, $receiver:ty) => {
        |section: &mut Section<'_>| -> MakeReceiver {
            let settings = <$settings>::read(section);
            Arc::new(move |around, next, context| {
                let authenticators = around.extensions.server_authenticators();
                let receiver = <$receiver>::with_authenticators(
                    settings.clone(),
                    next,
                    context,
                    authenticators,
                )?;
                Ok(Arc::new(receiver) as Arc<dyn Component>)
            })
        }
    };
}

pub(super) const TYPES: &[Type<MakeReceiver>] = &[
    ("awsxray", awsxray),
    ("datadog", datadog),
    ("jaeger", receiver!(receivers::JaegerSettings, receivers::JaegerReceiver)),
    #[cfg(feature = "kafka")]
    ("kafka", kafka),
    ("nop", nop),
    ("otlp", receiver!(receivers::OtlpSettings, receivers::OtlpComponent)),
    ("otlpjsonfile", otlp_json_file),
    ("zipkin", receiver!(receivers::ZipkinSettings, receivers::ZipkinReceiver)),
];

/// Nobody sends to a receiver that reads files.
fn otlp_json_file(section: &mut Section<'_>) -> MakeReceiver {
    let settings = receivers::OtlpJsonFileSettings::read(section);
    Arc::new(move |around, next, context| {
        let storage =
            settings.storage.as_ref().map(|id| around.extensions.storage(&id.to_string()));
        let offsets = storage.transpose()?.map(|storage| storage.file_of(&context.id));
        let receiver =
            receivers::OtlpJsonFileReceiver::new(settings.clone(), next, context, offsets)?;
        Ok(Arc::new(receiver))
    })
}

#[cfg(feature = "kafka")]
fn kafka(section: &mut Section<'_>) -> MakeReceiver {
    let settings = spandrel_kafka::KafkaReceiverSettings::read(section);
    Arc::new(move |_, next, context| {
        Ok(Arc::new(spandrel_kafka::KafkaReceiver::new(settings.clone(), next, context)?))
    })
}

/// Tracers do not say who they are.
fn datadog(section: &mut Section<'_>) -> MakeReceiver {
    let settings = receivers::DatadogSettings::read(section);
    Arc::new(move |_, next, context| {
        Ok(Arc::new(receivers::DatadogReceiver::new(settings.clone(), next, context)?))
    })
}

/// Nobody proves who sent a datagram.
fn awsxray(section: &mut Section<'_>) -> MakeReceiver {
    let settings = receivers::AwsXraySettings::read(section);
    Arc::new(move |_, next, context| {
        Ok(Arc::new(receivers::AwsXrayReceiver::new(settings.clone(), next, context)?))
    })
}

/// A receiver that receives nothing.
struct Nop;

impl Component for Nop {}

fn nop(_: &mut Section<'_>) -> MakeReceiver {
    Arc::new(|_, _, _| Ok(Arc::new(Nop)))
}
