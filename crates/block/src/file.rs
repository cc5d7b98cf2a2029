//! Columns to a Parquet file: schema, writer properties, definition and repetition levels.

use std::io::Write;
use std::ops::Range;
use std::sync::Arc;

use parquet::basic::{
    Compression, ConvertedType, Encoding as ParquetEncoding, LogicalType, Repetition, Type as Physical,
    ZstdLevel,
};
use parquet::data_type::{
    BoolType, ByteArray, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, Int32Type,
    Int64Type,
};
use parquet::file::properties::{
    EnabledStatistics, WriterProperties, WriterPropertiesBuilder, WriterVersion,
};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type, TypePtr};

use crate::column::{Column, Encoding, Presence, Statistics, Values};
use crate::error::BlockError;
use crate::lists::ListColumn;

/// Rows of a data page. Smaller pages make reading one trace cheaper and the file larger.
const PAGE_ROWS: usize = 16 * 1024;
/// A dictionary that grows beyond this falls back to plain values.
const DICTIONARY_BYTES_MAX: usize = 4 << 20;

/// The schema of a file with these columns.
pub(crate) fn schema(columns: &[Column], lists: &[ListColumn]) -> Result<TypePtr, BlockError> {
    let leaves = columns.iter().map(leaf_type);
    let fields = leaves.chain(lists.iter().map(list_type)).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(Type::group_type_builder("span").with_fields(fields).build()?))
}

fn leaf_type(column: &Column) -> Result<TypePtr, BlockError> {
    let physical = match &column.values {
        Values::I32(_) => Physical::INT32,
        Values::I64(_) => Physical::INT64,
        Values::F64(_) => Physical::DOUBLE,
        Values::Bool(_) => Physical::BOOLEAN,
        Values::Text(..) | Values::Binary(_) => Physical::BYTE_ARRAY,
        Values::Fixed(..) => Physical::FIXED_LEN_BYTE_ARRAY,
    };
    let repetition = match column.presence {
        Presence::Required => Repetition::REQUIRED,
        Presence::Rows(_) => Repetition::OPTIONAL,
    };
    let mut builder =
        Type::primitive_type_builder(&column.name, physical).with_repetition(repetition);
    match &column.values {
        Values::Text(..) => {
            builder = builder
                .with_converted_type(ConvertedType::UTF8)
                .with_logical_type(Some(LogicalType::String));
        }
        Values::Fixed(length, _) => builder = builder.with_length(*length),
        _ => {}
    }
    Ok(Arc::new(builder.build()?))
}

fn list_type(list: &ListColumn) -> Result<TypePtr, BlockError> {
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

/// Settings of a file with these columns.
pub(crate) fn properties(columns: &[Column], lists: &[ListColumn]) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_2_0)
        .set_created_by(concat!("spandrel ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_statistics_enabled(EnabledStatistics::None)
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_write_batch_size(PAGE_ROWS)
        .set_dictionary_page_size_limit(DICTIONARY_BYTES_MAX);
    for column in columns {
        builder = column_properties(builder, ColumnPath::from(column.name.clone()), column);
    }
    for list in lists {
        for field in &list.fields {
            let parts = [list.name, "list", "element", &field.name];
            let path = ColumnPath::new(parts.map(str::to_owned).to_vec());
            builder = column_properties(builder, path, field);
        }
    }
    builder.build()
}

fn column_properties(
    mut builder: WriterPropertiesBuilder,
    path: ColumnPath,
    column: &Column,
) -> WriterPropertiesBuilder {
    let plain = match column.encoding {
        Encoding::Dictionary => None,
        Encoding::Plain | Encoding::Random => Some(ParquetEncoding::PLAIN),
        Encoding::Delta => Some(ParquetEncoding::DELTA_BINARY_PACKED),
        Encoding::ByteStreamSplit => Some(ParquetEncoding::BYTE_STREAM_SPLIT),
    };
    if let Some(encoding) = plain {
        builder = builder
            .set_column_dictionary_enabled(path.clone(), false)
            .set_column_encoding(path.clone(), encoding);
    }
    if column.encoding == Encoding::Random {
        builder = builder.set_column_compression(path.clone(), Compression::UNCOMPRESSED);
    }
    if column.statistics == Statistics::Page {
        builder = builder.set_column_statistics_enabled(path, EnabledStatistics::Page);
    }
    builder
}

/// Writes the columns as row groups of these block rows.
pub(crate) fn write_row_groups<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    columns: &[Column],
    lists: &[ListColumn],
    row_groups: &[Range<u32>],
) -> Result<(), BlockError> {
    for rows in row_groups {
        let mut row_group = writer.next_row_group()?;
        for column in columns {
            write_leaf(&mut row_group, column, rows.clone())?;
        }
        for list in lists {
            write_list(&mut row_group, list, rows.clone())?;
        }
        row_group.close()?;
    }
    Ok(())
}

/// Positions within `rows` of those that lie in `range`.
fn positions(rows: &[u32], range: &Range<u32>) -> Range<usize> {
    rows.partition_point(|row| *row < range.start)..rows.partition_point(|row| *row < range.end)
}

fn write_leaf<W: Write + Send>(
    row_group: &mut SerializedRowGroupWriter<'_, W>,
    column: &Column,
    range: Range<u32>,
) -> Result<(), BlockError> {
    let (values, levels) = match &column.presence {
        Presence::Required => (range.start as usize..range.end as usize, None),
        Presence::Rows(rows) => {
            let values = positions(rows, &range);
            let mut levels = vec![0; range.len()];
            rows[values.clone()].iter().for_each(|row| levels[(row - range.start) as usize] = 1);
            (values, Some(levels))
        }
    };
    let mut writer = next_column(row_group)?;
    write_values(&mut writer, &column.values, values, Levels { definition: levels, repetition: None })?;
    Ok(writer.close()?)
}

/// Definition levels: 0 null list, 2 element with a null field, or one more per optional field.
fn write_list<W: Write + Send>(
    row_group: &mut SerializedRowGroupWriter<'_, W>,
    list: &ListColumn,
    range: Range<u32>,
) -> Result<(), BlockError> {
    let elements = positions(&list.rows, &range);
    for field in &list.fields {
        let present = match &field.presence {
            Presence::Required => None,
            Presence::Rows(present) => Some(present),
        };
        let values = match present {
            None => elements.clone(),
            Some(present) => {
                positions(present, &(elements.start as u32..elements.end as u32))
            }
        };
        let mut present = present.map(|present| present[values.clone()].iter().peekable());
        let (mut definition, mut repetition) = (Vec::new(), Vec::new());
        let mut element = elements.start;
        for row in range.clone() {
            let first = element;
            while element < elements.end && list.rows[element] == row {
                let is_present = |present: &mut std::iter::Peekable<std::slice::Iter<'_, u32>>| {
                    present.next_if_eq(&&(element as u32)).is_some()
                };
                let level = 2 + i16::from(present.as_mut().is_some_and(is_present));
                definition.push(level);
                repetition.push(i16::from(element > first));
                element += 1;
            }
            if element == first {
                definition.push(0);
                repetition.push(0);
            }
        }
        let mut writer = next_column(row_group)?;
        let levels = Levels { definition: Some(definition), repetition: Some(repetition) };
        write_values(&mut writer, &field.values, values, levels)?;
        writer.close()?;
    }
    Ok(())
}

struct Levels {
    definition: Option<Vec<i16>>,
    repetition: Option<Vec<i16>>,
}

fn next_column<'a, W: Write + Send>(
    row_group: &'a mut SerializedRowGroupWriter<'_, W>,
) -> Result<SerializedColumnWriter<'a>, BlockError> {
    row_group
        .next_column()?
        .ok_or_else(|| BlockError::column("", "the schema has fewer columns than the block"))
}

fn write_values(
    writer: &mut SerializedColumnWriter<'_>,
    values: &Values,
    range: Range<usize>,
    levels: Levels,
) -> Result<(), BlockError> {
    match values {
        Values::I32(values) => write_batch::<Int32Type>(writer, &values[range], levels),
        Values::I64(values) => write_batch::<Int64Type>(writer, &values[range], levels),
        Values::F64(values) => write_batch::<DoubleType>(writer, &values[range], levels),
        Values::Bool(values) => write_batch::<BoolType>(writer, &values[range], levels),
        Values::Binary(values) => write_batch::<ByteArrayType>(writer, &values[range], levels),
        Values::Fixed(_, values) => {
            write_batch::<FixedLenByteArrayType>(writer, &values[range], levels)
        }
        Values::Text(strings, codes) => {
            let values: Vec<ByteArray> =
                codes[range].iter().map(|&code| strings.0[code as usize].clone()).collect();
            write_batch::<ByteArrayType>(writer, &values, levels)
        }
    }
}

fn write_batch<T: DataType>(
    writer: &mut SerializedColumnWriter<'_>,
    values: &[T::T],
    levels: Levels,
) -> Result<(), BlockError> {
    let Levels { definition, repetition } = levels;
    writer.typed::<T>().write_batch(values, definition.as_deref(), repetition.as_deref())?;
    Ok(())
}
