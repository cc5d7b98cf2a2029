//! Resources and scopes: decoded when first seen, afterwards found by their bytes.

use std::sync::Arc;

use spandrel_model::{Resource, Scope};

use super::Decoder;
use crate::DecodeError;
use crate::value::{decode_key_value, keep_last_values, text};
use crate::wire::{Reader, Value};

impl Decoder<'_> {
    /// Number of the resource with this message and schema URL.
    pub(super) fn intern_resource(
        &mut self,
        message: &[u8],
        schema_url: &[u8],
    ) -> Result<u32, DecodeError> {
        self.set_source(message, schema_url);
        if let Some(number) = self.into.resource_table.find(&self.scratch) {
            return Ok(number);
        }
        let resource = Arc::new(decode_resource(message, schema_url)?);
        Ok(self.into.resource_table.insert(&self.scratch, resource))
    }

    /// Number of the scope with this message and schema URL.
    pub(super) fn intern_scope(
        &mut self,
        message: &[u8],
        schema_url: &[u8],
    ) -> Result<u32, DecodeError> {
        self.set_source(message, schema_url);
        if let Some(number) = self.into.scope_table.find(&self.scratch) {
            return Ok(number);
        }
        let scope = Arc::new(decode_scope(message, schema_url)?);
        Ok(self.into.scope_table.insert(&self.scratch, scope))
    }

    /// Puts the bytes that identify a resource or scope into `scratch`. The length of the URL at the end
    /// tells where it begins, so that no two pairs look alike.
    fn set_source(&mut self, message: &[u8], schema_url: &[u8]) {
        self.scratch.clear();
        self.scratch.extend_from_slice(message);
        self.scratch.extend_from_slice(schema_url);
        self.scratch.extend_from_slice(&(schema_url.len() as u64).to_le_bytes());
    }
}

fn decode_resource(message: &[u8], schema_url: &[u8]) -> Result<Resource, DecodeError> {
    let mut resource = Resource { schema_url: text(schema_url), ..Resource::default() };
    let mut reader = Reader::new(message, "Resource");
    while let Some((field, value)) = reader.next_field()? {
        match (field, value) {
            (1, Value::Bytes(pair)) => resource.attributes.push(decode_key_value(pair, 0)?),
            (2, Value::Varint(count)) => resource.dropped_attributes_count = count as u32,
            (3, Value::Bytes(entity_ref)) => check_entity_ref(entity_ref)?,
            (1..=3, _) => return Err(reader.wrong_wire_type(field)),
            _ => {}
        }
    }
    resource.attributes = keep_last_values(resource.attributes);
    Ok(resource)
}

/// Entity references name attributes that the resource has anyway; they are not kept.
fn check_entity_ref(bytes: &[u8]) -> Result<(), DecodeError> {
    let mut reader = Reader::new(bytes, "EntityRef");
    while let Some((field, value)) = reader.next_field()? {
        if matches!(field, 1..=4) && !matches!(value, Value::Bytes(_)) {
            return Err(reader.wrong_wire_type(field));
        }
    }
    Ok(())
}

fn decode_scope(message: &[u8], schema_url: &[u8]) -> Result<Scope, DecodeError> {
    let mut scope = Scope { schema_url: text(schema_url), ..Scope::default() };
    let mut reader = Reader::new(message, "InstrumentationScope");
    while let Some((field, value)) = reader.next_field()? {
        match (field, value) {
            (1, Value::Bytes(name)) => scope.name = text(name),
            (2, Value::Bytes(version)) => scope.version = text(version),
            (3, Value::Bytes(pair)) => scope.attributes.push(decode_key_value(pair, 0)?),
            (4, Value::Varint(count)) => scope.dropped_attributes_count = count as u32,
            (1..=4, _) => return Err(reader.wrong_wire_type(field)),
            _ => {}
        }
    }
    scope.attributes = keep_last_values(scope.attributes);
    Ok(scope)
}
