//! What the trace table says about conditions on the duration and the root of a trace.
//!
//! Traces of a block are in the order of the name and service of their root, so a row group has few of either.

use std::ops::Range;

use spandrel_block::index::TraceTable;
use spandrel_traceql::{Intrinsic, Static};

use super::{Leaf, Possible};
use crate::QueryError;
use crate::block_cache::OpenBlock;

/// What a condition on an intrinsic of traces may do in a row group, all of whose traces lie there as a whole. The
/// table is not read for other intrinsics, about which it knows nothing.
pub(super) fn possible(
    leaf: &Leaf,
    intrinsic: Intrinsic,
    block: &OpenBlock,
    row_group: usize,
) -> Result<Possible, QueryError> {
    let of_table: fn(&Leaf, &TraceTable, Range<usize>) -> Possible = match intrinsic {
        Intrinsic::TraceDuration => of_durations,
        Intrinsic::RootName => |leaf, table, of| of_texts(leaf, table, &table.root_names()[of]),
        Intrinsic::RootServiceName => {
            |leaf, table, of| of_texts(leaf, table, &table.root_services()[of])
        }
        _ => return Ok(Possible::UNKNOWN),
    };
    let table = block.traces()?;
    let rows = block.file.row_group_rows(row_group);
    let Some(first) = table.trace_of_row(rows.start) else { return Ok(Possible::UNKNOWN) };
    let end = table.first_rows().partition_point(|row| *row < rows.end);
    Ok(of_table(leaf, table, first as usize..end.min(table.len())))
}

fn of_durations(leaf: &Leaf, table: &TraceTable, traces: Range<usize>) -> Possible {
    let Some(test) = leaf.number else { return Possible::UNKNOWN };
    let times = table.starts()[traces.clone()].iter().zip(&table.ends()[traces]);
    let durations = times.map(|(start, end)| end.saturating_sub(*start));
    let (min, max) = durations.fold((i64::MAX, i64::MIN), |(a, b), d| (a.min(d), b.max(d)));
    Possible { holds: test.may_pass_between(min, max), fails: true }
}

fn of_texts(leaf: &Leaf, table: &TraceTable, codes: &[u32]) -> Possible {
    let mut possible = Possible { holds: false, fails: false };
    for run in codes.chunk_by(|one, next| one == next) {
        // Of a trace without root both are empty.
        let text = table.strings().get(run[0]).map_or("", AsRef::as_ref);
        possible = possible.or_else(Possible::of(leaf, &Static::String(text.to_owned())));
        if possible == Possible::UNKNOWN {
            break;
        }
    }
    possible
}
