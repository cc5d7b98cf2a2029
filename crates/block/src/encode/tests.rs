//! What is encoded here is read by the parquet crate: values, nulls, lists, pages, statistics.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use bytes::Bytes;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::writer::SerializedFileWriter;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::column::{OwnedStrings, Presence, Strings};
use crate::file;
use crate::lists::ListColumn;

/// A file of row groups that end at these rows.
fn write(columns: &[Column<'_>], lists: &[ListColumn<'_>], ends: &[u32]) -> Bytes {
    let schema = file::schema(columns, lists).unwrap();
    let mut writer =
        SerializedFileWriter::new(Vec::new(), schema, file::properties().into()).unwrap();
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let groups: Vec<_> = starts.zip(ends).map(|(start, &end)| start..end).collect();
    file::write_row_groups(&mut writer, columns, lists, &groups).unwrap();
    writer.into_inner().unwrap().into()
}

/// All rows in one batch.
fn read(file: Bytes) -> (RecordBatch, std::sync::Arc<ParquetMetaData>) {
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(file, options).unwrap();
    let metadata = builder.metadata().clone();
    let mut batches = builder.with_batch_size(1 << 20).build().unwrap();
    let batch = batches.next().unwrap().unwrap();
    assert!(batches.next().is_none());
    (batch, metadata)
}

/// Reproducible numbers without order.
fn mix(i: u64) -> u64 {
    let mixed = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ mixed >> 29).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 7
}

/// Rows of 0 to `n_rows`, some of them left out.
fn some_rows(n_rows: u32, keep_of_ten: u64) -> Vec<u32> {
    // Whole stretches are null as well.
    let stretch = |row: &u32| !(row / 1000).is_multiple_of(5) || keep_of_ten == 10;
    (0..n_rows).filter(|row| stretch(row) && mix(u64::from(*row)) % 10 < keep_of_ten).collect()
}

fn int_at(column: &ArrayRef, row: usize) -> Option<i64> {
    let column = column.as_primitive::<Int64Type>();
    column.is_valid(row).then(|| column.value(row))
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        rng_seed: RngSeed::Fixed(3),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn integers_of_any_spread(
        n_rows in prop_oneof![1_u32..100, 1_000_u32..50_000],
        keep in 0_u64..=10,
        n_distinct in prop_oneof![1_u64..10, 100_u64..100_000],
        step in prop_oneof![Just(1_i64), Just(1_000_003), Just(i64::MAX / 100_000)],
        split in 0_u32..100,
    ) {
        let rows = some_rows(n_rows, keep);
        let value = |row: u32| (mix(u64::from(row)) % n_distinct) as i64 * step - 7;
        let values: Vec<i64> = rows.iter().map(|&row| value(row)).collect();
        let encodings = [Encoding::Dictionary, Encoding::ByteStreamSplit];
        let columns: Vec<_> = encodings
            .into_iter()
            .enumerate()
            .filter_map(|(i, encoding)| {
                let values = Values::I64(values.clone());
                Column::optional(format!("c{i}"), rows.clone(), values, encoding)
            })
            .collect();
        prop_assume!(!columns.is_empty());
        let middle = n_rows * split / 100;
        let ends: Vec<u32> = [middle, n_rows].into_iter().filter(|end| *end > 0).collect();
        let (batch, _) = read(write(&columns, &[], &ends));
        prop_assert_eq!(batch.num_rows(), n_rows as usize);
        for column in batch.columns() {
            let mut present = rows.iter().peekable();
            for row in 0..n_rows {
                let expected = present.next_if_eq(&&row).map(|&row| value(row));
                prop_assert_eq!(int_at(column, row as usize), expected, "row {}", row);
            }
        }
    }
}

#[test]
fn codes_of_every_width() {
    for bits in 0..=18 {
        let n_distinct = 1_u32 << bits;
        let n_rows = (n_distinct * 2 + 100).max(3_000);
        let strings: Vec<String> = (0..n_distinct).map(|i| format!("value {i}")).collect();
        let codes: Vec<u32> =
            (0..n_rows).map(|row| mix(u64::from(row)) as u32 % n_distinct).collect();
        let bytes = strings.iter().map(String::as_bytes).collect();
        let values = Values::Text(Strings::Borrowed(bytes));
        let column = Column::required_codes("c", values, codes.clone());
        let (batch, metadata) = read(write(&[column], &[], &[n_rows]));
        let read = batch.column(0).as_string::<i32>();
        for (row, code) in codes.into_iter().enumerate() {
            assert_eq!(read.value(row), strings[code as usize], "{bits} bits, row {row}");
        }
        let chunk = metadata.row_group(0).column(0);
        assert!(chunk.dictionary_page_offset().is_some(), "{bits} bits");
    }
}

#[test]
fn values_that_mostly_differ_get_no_dictionary() {
    let n_rows = 40_000;
    let mut strings = OwnedStrings::default();
    for row in 0..n_rows {
        strings.extend(format!("{:x}", mix(u64::from(row))).as_bytes());
        strings.end();
    }
    let values = Values::Text(Strings::Owned(strings));
    let column = Column::required("c", values, Encoding::Dictionary);
    let (batch, metadata) = read(write(&[column], &[], &[n_rows]));
    assert!(metadata.row_group(0).column(0).dictionary_page_offset().is_none());
    let read = batch.column(0).as_string::<i32>();
    let same =
        (0..n_rows).all(|row| read.value(row as usize) == format!("{:x}", mix(u64::from(row))));
    assert!(same);
}

#[test]
fn every_physical_type() {
    let n_rows = 40_000_u32;
    let rows = some_rows(n_rows, 7);
    let doubles =
        |row: u32| [0.0, -0.0, f64::NAN, 1.5, f64::INFINITY][mix(row.into()) as usize % 5];
    let truth = |row: u32| mix(row.into()).is_multiple_of(3);
    let fixed = |row: u32| [row as u8, 1, 2];
    let optional = |name, values, encoding| {
        Column::optional(name, rows.clone(), values, encoding).expect("there are rows")
    };
    let each = rows.iter().copied();
    let columns = [
        optional(
            "i32",
            Values::I32(each.clone().map(|row| row as i32 % 300).collect()),
            Encoding::Dictionary,
        ),
        optional("f64", Values::F64(each.clone().map(doubles).collect()), Encoding::Dictionary),
        optional("bool", Values::Bool(each.clone().map(truth).collect()), Encoding::Dictionary),
        optional(
            "fixed",
            Values::Fixed(3, each.clone().flat_map(fixed).collect()),
            Encoding::Random,
        ),
        optional("ids", Values::Fixed(3, each.flat_map(fixed).collect()), Encoding::Dictionary),
    ];
    let (batch, _) = read(write(&columns, &[], &[20_000, n_rows]));
    let mut present = rows.iter().peekable();
    for row in 0..n_rows {
        let i = row as usize;
        let expected = present.next_if_eq(&&row).is_some();
        assert!(batch.columns().iter().all(|column| column.is_valid(i) == expected), "row {row}");
        if expected {
            assert_eq!(batch.column(0).as_primitive::<Int32Type>().value(i), row as i32 % 300);
            let double = batch.column(1).as_primitive::<Float64Type>().value(i);
            assert_eq!(double.to_bits(), doubles(row).to_bits());
            assert_eq!(batch.column(2).as_boolean().value(i), truth(row));
            assert_eq!(batch.column(3).as_fixed_size_binary().value(i), fixed(row));
            assert_eq!(batch.column(4).as_fixed_size_binary().value(i), fixed(row));
        }
    }
}

#[test]
fn lists_of_every_length() {
    let n_rows = 40_000_u32;
    let lengths: Vec<u32> =
        (0..n_rows).map(|row| (mix(row.into()) % 9).saturating_sub(5) as u32).collect();
    let elements: Vec<u32> = (0..n_rows)
        .flat_map(|row| std::iter::repeat_n(row, lengths[row as usize] as usize))
        .collect();
    let present: Vec<u32> = some_rows(elements.len() as u32, 6);
    let ids = (0..elements.len() as i64).collect();
    let list = ListColumn {
        name: "list",
        rows: elements.clone(),
        fields: vec![
            Column::required("id", Values::I64(ids), Encoding::ByteStreamSplit),
            Column {
                presence: Presence::Rows(present.clone()),
                ..Column::required("n", Values::I64(vec![5; present.len()]), Encoding::Dictionary)
            },
        ],
    };
    let (batch, _) = read(write(&[], &[list], &[30_001, n_rows]));
    let lists = batch.column(0).as_list::<i32>();
    let mut element = 0;
    for (row, &length) in lengths.iter().enumerate() {
        assert_eq!(lists.is_null(row), length == 0, "row {row}");
        let values = lists.value(row);
        let fields = values.as_struct();
        assert_eq!(fields.len(), length as usize, "row {row}");
        for i in 0..fields.len() {
            assert_eq!(int_at(fields.column(0), i), Some(element));
            let expected = present.binary_search(&(element as u32)).is_ok().then_some(5);
            assert_eq!(int_at(fields.column(1), i), expected);
            element += 1;
        }
    }
    assert_eq!(element as usize, elements.len());
}

#[test]
fn pages_hold_few_rows_and_few_bytes() {
    let n_rows = 100_000;
    let text = "x".repeat(10_000);
    let long = Values::Text(Strings::Borrowed(vec![b"a", text.as_bytes()]));
    let columns = [
        Column::required(
            "start",
            Values::I64((0..100_000).rev().collect()),
            Encoding::ByteStreamSplit,
        )
        .with_page_statistics(),
        Column::required_codes("same", Values::I32(vec![7]), vec![0; 100_000]),
        Column {
            encoding: Encoding::Random,
            ..Column::required_codes("long", long, (0..100_000).map(|row| row / 99_000).collect())
        },
    ];
    let bytes = write(&columns, &[], &[n_rows]);
    let (batch, metadata) = read(bytes);
    assert_eq!(batch.num_rows(), 100_000);
    let pages = |column: usize| &metadata.offset_index().unwrap()[0][column].page_locations;
    assert_eq!(pages(0).len(), 7);
    assert_eq!(pages(1).len(), 1);
    let largest = pages(2).iter().map(|page| page.compressed_page_size).max().unwrap();
    assert!(pages(2).len() > 7 && (largest as usize) < 2 * PAGE_BYTES_MAX, "{largest}");

    let statistics = metadata.row_group(0).column(0).statistics().unwrap();
    assert_eq!(statistics.min_bytes_opt().unwrap(), 0_i64.to_le_bytes());
    assert_eq!(statistics.max_bytes_opt().unwrap(), 99_999_i64.to_le_bytes());
    assert!(metadata.column_index().is_some());
}
