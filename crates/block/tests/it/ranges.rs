//! Reading parts: the end of the file, some rows, some columns.

use arrow_array::{Array, RecordBatch};
use spandrel_block::read::{BlockFile, Opened, SPAN_COLUMNS_LEFT_OUT, assemble_spans};

use crate::blocks::{Block, assert_few_rows, assert_same, expected};
use crate::requests::{run_of_spans, shop_run, span};

#[test]
fn a_short_tail_says_what_it_lacks() {
    let bytes = Block::of(&shop_run(3_000), 1_000).bytes;
    let file_bytes = bytes.len() as u64;
    for first_try in [0, 1, 7, 8, 9, 100, 1_000, 10_000, file_bytes - 1, file_bytes] {
        let mut tail = first_try;
        let mut tries = 0;
        let file = loop {
            let end = bytes.slice((file_bytes - tail) as usize..);
            match BlockFile::open(&end, file_bytes).unwrap() {
                Opened::File(file) => break file,
                Opened::NeedsTail(needed) => {
                    assert!(needed > tail && needed <= file_bytes, "{tail} to {needed}");
                    tail = needed;
                }
            }
            tries += 1;
        };
        assert!(tries <= 4, "{first_try}: {tries}");
        assert!(file.n_rows() >= 3_000);
    }
}

#[test]
fn a_tail_longer_than_the_file_is_refused() {
    let bytes = Block::of(&run_of_spans(vec![span(1, 1, 0)]), 10).bytes;
    assert!(BlockFile::open(&bytes, bytes.len() as u64 - 1).is_err());
    assert!(BlockFile::open(&bytes.slice(..0), 0).is_err());
    assert!(BlockFile::open(&bytes.slice(..4), 4).is_err());
}

#[test]
fn rows_of_a_row_group() {
    let run = shop_run(40_000);
    let block = Block::of(&run, 25_000);
    for row_group in 0..block.file.n_row_groups() {
        let all = block.read_all(row_group, None).unwrap().unwrap();
        let n_rows = all.num_rows() as u32;
        assert_eq!(block.file.row_group_rows(row_group).len(), all.num_rows());
        for rows in [0..1, 0..n_rows, 5..6, 16_000..16_500, n_rows - 1..n_rows, 100..n_rows - 7] {
            if rows.end > n_rows {
                continue;
            }
            let some = block.read_all(row_group, Some(rows.clone())).unwrap().unwrap();
            assert_same_rows(&some, &all.slice(rows.start as usize, rows.len()));
        }
        assert!(block.read_all(row_group, Some(7..7)).unwrap().is_none());
    }
}

/// Compares values, not dictionaries: a part need not hold all of the strings.
fn assert_same_rows(some: &RecordBatch, all: &RecordBatch) {
    assert_eq!(some.schema(), all.schema());
    for (i, field) in some.schema().fields().iter().enumerate() {
        let (some, all) = (some.column(i), all.column(i));
        assert_eq!(some.len(), all.len(), "{field}");
        assert_eq!(some, all, "{field}");
    }
}

#[test]
fn each_trace_can_be_read_alone() {
    let run = shop_run(2_000);
    let block = Block::of(&run, 600);
    let expected = expected(&run);
    let traces = block.file.index().traces().unwrap();
    let mut first = 0;
    for trace in traces.iter() {
        let rows = first..first + trace.facts.n_rows;
        let row_group = block.file.row_group_of(rows.start);
        let base = block.file.row_group_rows(row_group).start;
        let columns = block.file.columns().filter(|name| !SPAN_COLUMNS_LEFT_OUT.contains(name));
        let within = rows.start - base..rows.end - base;
        let batch = block.read(row_group, columns, Some(within)).unwrap().unwrap();
        let spans = assemble_spans(&batch).unwrap();
        assert_same(&spans, &expected[rows.start as usize..rows.end as usize]);
        first = rows.end;
    }
    assert_eq!(first, block.file.n_rows());
}

#[test]
fn few_rows_of_several_pages() {
    assert_few_rows(&Block::of(&shop_run(40_000), 35_000));
}

#[test]
fn column_bytes_cover_the_row_groups() {
    let block = Block::of(&shop_run(3_000), 1_000);
    let columns = block.file.column_bytes();
    let total: u64 = columns.iter().map(|column| column.1).sum();
    assert!(total > block.bytes.len() as u64 / 4 && total < block.bytes.len() as u64);
    assert!(columns.iter().all(|column| column.1 > 0), "{columns:?}");
}
