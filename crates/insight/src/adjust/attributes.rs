//! Attributes in other forms and places than their senders gave them.

use std::net::Ipv4Addr;
use std::sync::Arc;

use hashbrown::HashMap;
use spandrel_model::{Attribute, AttributeValue, Resource, Span};

/// Attributes that hold an address of version 4, which old clients send as a number.
const ADDRESSES: [&str; 2] = ["ip", "peer.ipv4"];
/// What is the SDK's is the resource's.
const OF_SDK: [&str; 2] = ["telemetry.sdk.", "telemetry.distro."];

/// Numbers that are addresses become texts.
pub(super) fn write_addresses(spans: &mut [Span]) {
    let attributes = spans.iter_mut().flat_map(|span| &mut span.attributes);
    for attribute in attributes.filter(|attribute| ADDRESSES.contains(&attribute.key.as_str())) {
        let AttributeValue::Int(number) = attribute.value else { continue };
        // Java has no unsigned numbers: high addresses come negative.
        let bits = u32::try_from(number).or_else(|_| i32::try_from(number).map(i32::cast_unsigned));
        if let Ok(bits) = bits {
            attribute.value = AttributeValue::String(Ipv4Addr::from_bits(bits).to_string());
        }
    }
}

/// What describes the SDK goes from spans to their resources; what a resource has already stays with the span if it
/// differs.
pub(super) fn move_to_resource(spans: &mut [Span]) {
    let mut made: HashMap<(usize, String), Arc<Resource>> = HashMap::new();
    // Keeps the addresses above from being used again.
    let mut originals = Vec::new();
    for span in spans {
        if !span.attributes.iter().any(is_of_sdk) {
            continue;
        }
        let taken: Vec<Attribute> =
            span.attributes.extract_if(.., |attribute| is_of_sdk(attribute)).collect();
        let key = (Arc::as_ptr(&span.resource).addr(), format!("{taken:?}"));
        let resource = made.entry(key).or_insert_with(|| {
            originals.push(Arc::clone(&span.resource));
            Arc::new(with_attributes(&span.resource, &taken))
        });
        let differs = |attribute: &Attribute| {
            let known = resource.attributes.iter().rfind(|known| known.key == attribute.key);
            known.is_none_or(|known| known.value != attribute.value)
        };
        span.attributes.extend(taken.into_iter().filter(differs));
        span.attributes.sort_by(|a, b| a.key.cmp(&b.key));
        span.resource = Arc::clone(resource);
    }
}

fn is_of_sdk(attribute: &Attribute) -> bool {
    OF_SDK.iter().any(|prefix| attribute.key.starts_with(prefix))
}

fn with_attributes(resource: &Resource, taken: &[Attribute]) -> Resource {
    let mut resource = resource.clone();
    for attribute in taken {
        if !resource.attributes.iter().any(|known| known.key == attribute.key) {
            resource.attributes.push(attribute.clone());
        }
    }
    resource
}
