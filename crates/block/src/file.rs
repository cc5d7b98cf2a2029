//! Columns to a Parquet file: the schema, and the row groups from encoded columns.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

use crate::column::{Column, Presence, Values};
use crate::encode::{Compressor, encode};
use crate::error::BlockError;
use crate::lists::ListColumn;
use crate::pages;

/// The schema of a file with these columns.
pub(crate) fn schema(
    columns: &[Column<'_>],
    lists: &[ListColumn<'_>],
) -> Result<TypePtr, BlockError> {
    let leaves = columns.iter().map(leaf_type);
    let fields = leaves.chain(lists.iter().map(list_type)).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(Type::group_type_builder("span").with_fields(fields).build()?))
}

fn leaf_type(column: &Column<'_>) -> Result<TypePtr, BlockError> {
    let physical = match &column.values {
        Values::I32(_) => Physical::INT32,
        Values::I64(_) => Physical::INT64,
        Values::F64(_) => Physical::DOUBLE,
        Values::Bool(_) => Physical::BOOLEAN,
        Values::Text(_) | Values::Binary(_) => Physical::BYTE_ARRAY,
        Values::Fixed(..) => Physical::FIXED_LEN_BYTE_ARRAY,
    };
    let repetition = match column.presence {
        Presence::Required => Repetition::REQUIRED,
        Presence::Rows(_) => Repetition::OPTIONAL,
    };
    let mut builder =
        Type::primitive_type_builder(&column.name, physical).with_repetition(repetition);
    match &column.values {
        Values::Text(_) => {
            builder = builder
                .with_converted_type(ConvertedType::UTF8)
                .with_logical_type(Some(LogicalType::String));
        }
        Values::Fixed(length, _) => builder = builder.with_length(*length as i32),
        _ => {}
    }
    Ok(Arc::new(builder.build()?))
}

fn list_type(list: &ListColumn<'_>) -> Result<TypePtr, BlockError> {
    let fields = list.fields.iter().map(leaf_type).collect::<Result<Vec<_>, _>>()?;
    let group = |name, repetition, fields| {
        Type::group_type_builder(name).with_repetition(repetition).with_fields(fields)
    };
    let element = group("element", Repetition::REQUIRED, fields).build()?;
    let repeated = group("list", Repetition::REPEATED, vec![Arc::new(element)]).build()?;
    let list = group(list.name, Repetition::OPTIONAL, vec![Arc::new(repeated)])
        .with_converted_type(ConvertedType::LIST)
        .with_logical_type(Some(LogicalType::List));
    Ok(Arc::new(list.build()?))
}

/// Settings of the file. Those of pages do not matter, because pages come finished.
pub(crate) fn properties() -> WriterProperties {
    WriterProperties::builder()
        .set_created_by(concat!("spandrel ", env!("CARGO_PKG_VERSION")).to_owned())
        .build()
}

/// Writes the columns as row groups of these block rows; returns the checksums of their pages.
pub(crate) fn write_row_groups<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    columns: &[Column<'_>],
    lists: &[ListColumn<'_>],
    row_groups: &[Range<u32>],
) -> Result<Vec<u8>, BlockError> {
    let mut checksums = Vec::new();
    let described = writer.schema_descr().columns().to_vec();
    let in_lists = lists
        .iter()
        .flat_map(|list| list.fields.iter().map(|field| (field, Some(list.rows.as_slice()))));
    let leaves: Vec<_> = columns.iter().map(|column| (column, None)).chain(in_lists).collect();
    let mut compressor = Compressor::new()?;
    for rows in row_groups {
        let mut row_group = writer.next_row_group()?;
        for ((column, elements), described) in leaves.iter().zip(&described) {
            let (bytes, close) =
                encode(column, *elements, rows.clone(), described, &mut compressor)?;
            pages::of_chunk(&bytes, &close, &mut checksums);
            row_group.append_column(&bytes, close)?;
        }
        row_group.close()?;
    }
    Ok(checksums)
}
