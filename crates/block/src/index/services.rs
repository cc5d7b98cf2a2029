//! The section with the roll-up of services: figures by operation and by edge in buckets of time.
//!
//! What it means is in [`spandrel_service_model::Rollup`]; this is its bytes. Blocks from before it have none.

use spandrel_model::SpanKind;
use spandrel_service_model::{
    BUCKETS, Cell, Cells, Connection, Counts, Durations, EdgeFigures, EdgeKey, Figures,
    OperationKey, Rollup,
};

use super::IndexError;
use super::strings::{StringTable, StringTableBuilder};
use super::wire::{Cursor, put_count, put_signed, put_varint};

const HAS_OPERATIONS: u8 = 1;
const HAS_OPERATION_NAMES: u8 = 2;
const HAS_EDGES: u8 = 4;
const HAS_CHILDREN: u8 = 8;
const HAS_ZIPKIN_LINKS: u8 = 16;

/// Least bytes of an operation's cell: bucket, service, name, kind, errors, durations.
const OPERATION_BYTES_MIN: usize = 6;
/// Least bytes of an edge's cell: bucket, client, server, system, connection, calls, errors, durations.
const EDGE_BYTES_MIN: usize = 9;

pub(super) fn encode(rollup: &Rollup, out: &mut Vec<u8>) {
    let mut strings = StringTableBuilder::default();
    for name in &rollup.names {
        strings.code(name);
    }
    strings.finish().encode(out);
    let flag = |bit: u8, is_set: bool| if is_set { bit } else { 0 };
    out.push(
        flag(HAS_OPERATIONS, rollup.operations.is_some())
            | flag(HAS_OPERATION_NAMES, rollup.has_operation_names)
            | flag(HAS_EDGES, rollup.edges.is_some())
            | flag(HAS_CHILDREN, rollup.children.is_some())
            | flag(HAS_ZIPKIN_LINKS, rollup.zipkin_links.is_some()),
    );
    if let Some(operations) = &rollup.operations {
        put_cells(operations, out, |key, figures, out| {
            put_varint(out, u64::from(key.service));
            put_varint(out, u64::from(key.name));
            out.push(key.kind as u8);
            put_errors(&figures.counts, out);
            put_durations(&figures.durations, out);
        });
    }
    if let Some(edges) = &rollup.edges {
        put_cells(edges, out, |key, figures, out| {
            for code in [key.client, key.server, key.system] {
                put_varint(out, u64::from(code));
            }
            out.push(key.connection as u8);
            put_varint(out, figures.counts.calls);
            put_errors(&figures.counts, out);
            put_durations(&figures.server_durations, out);
            put_durations(&figures.client_durations, out);
        });
    }
    if let Some(children) = &rollup.children {
        put_count(out, children.len());
        for &(parent, child, n) in children {
            let numbers = [u64::from(parent), u64::from(child), n];
            numbers.iter().for_each(|number| put_varint(out, *number));
        }
    }
    if let Some(links) = &rollup.zipkin_links {
        put_count(out, links.len());
        for &(parent, child, calls, errors) in links {
            let numbers = [u64::from(parent), u64::from(child), calls, errors];
            numbers.iter().for_each(|number| put_varint(out, *number));
        }
    }
    put_count(out, rollup.doubtful.len());
    let mut previous = 0;
    for &trace in &rollup.doubtful {
        put_varint(out, u64::from(trace - previous));
        previous = trace;
    }
}

fn put_cells<K, F>(cells: &Cells<K, F>, out: &mut Vec<u8>, put: impl Fn(&K, &F, &mut Vec<u8>)) {
    put_varint(out, cells.bucket_nanos.unsigned_abs());
    put_count(out, cells.cells.len());
    let mut previous = 0;
    for cell in &cells.cells {
        put_signed(out, cell.bucket.wrapping_sub(previous));
        previous = cell.bucket;
        put(&cell.key, &cell.figures, out);
    }
}

/// Errors and whether there are weights, then the weights.
fn put_errors(counts: &Counts, out: &mut Vec<u8>) {
    let is_weighted = counts.calls_beyond > 0;
    put_varint(out, counts.errors << 1 | u64::from(is_weighted));
    if is_weighted {
        put_varint(out, counts.calls_beyond);
        put_varint(out, counts.errors_beyond);
    }
}

fn put_durations(durations: &Durations, out: &mut Vec<u8>) {
    put_count(out, durations.parts().len());
    if durations.parts().is_empty() {
        return;
    }
    let mut previous = 0;
    for &(bucket, count) in durations.parts() {
        put_varint(out, u64::from(bucket - previous));
        put_varint(out, count);
        previous = bucket;
    }
    put_varint(out, durations.sum() as u64);
    put_varint(out, (durations.sum() >> 64) as u64);
}

pub(super) fn decode(cursor: &mut Cursor<'_>) -> Result<Rollup, IndexError> {
    let strings = StringTable::decode(cursor)?;
    let names: Vec<_> = strings.iter().cloned().collect();
    let reader = Codes { n_names: names.len() };
    let flags = cursor.u8()?;
    let has = |bit: u8| flags & bit != 0;
    let operations = match has(HAS_OPERATIONS) {
        true => Some(reader.operations(cursor)?),
        false => None,
    };
    let edges = match has(HAS_EDGES) {
        true => Some(reader.edges(cursor)?),
        false => None,
    };
    let children = match has(HAS_CHILDREN) {
        true => {
            let count = cursor.count(3)?;
            Some(cursor.column(count, |cursor| {
                Ok((reader.code(cursor)?, reader.code(cursor)?, cursor.varint()?))
            })?)
        }
        false => None,
    };
    let zipkin_links = match has(HAS_ZIPKIN_LINKS) {
        true => {
            let count = cursor.count(4)?;
            Some(cursor.column(count, |cursor| {
                let (parent, child) = (reader.code(cursor)?, reader.code(cursor)?);
                Ok((parent, child, cursor.varint()?, cursor.varint()?))
            })?)
        }
        false => None,
    };
    let count = cursor.count(1)?;
    let mut previous = 0_u32;
    let doubtful = cursor.column(count, |cursor| {
        let next = previous.checked_add(cursor.varint_u32()?);
        previous = next.ok_or(cursor.corrupt("number of a trace is above 32 bits"))?;
        Ok(previous)
    })?;
    if !doubtful.is_sorted_by(|a, b| a < b) {
        return Err(cursor.corrupt("traces are out of order"));
    }
    let has_operation_names = has(HAS_OPERATION_NAMES);
    Ok(Rollup { names, operations, has_operation_names, edges, children, zipkin_links, doubtful })
}

struct Codes {
    n_names: usize,
}

impl Codes {
    fn code(&self, cursor: &mut Cursor<'_>) -> Result<u32, IndexError> {
        let code = cursor.varint_u32()?;
        match (code as usize) < self.n_names {
            true => Ok(code),
            false => Err(cursor.corrupt("code without a text")),
        }
    }

    fn operations(
        &self,
        cursor: &mut Cursor<'_>,
    ) -> Result<Cells<OperationKey, Figures>, IndexError> {
        cells(cursor, OPERATION_BYTES_MIN, |cursor| {
            let (service, name) = (self.code(cursor)?, self.code(cursor)?);
            let key = OperationKey { service, name, kind: SpanKind::from_number(cursor.u8()?) };
            let counts = errors(cursor)?;
            let durations = durations(cursor)?;
            let counts = Counts { calls: durations.count(), ..counts };
            Ok((key, Figures { counts, durations }))
        })
    }

    fn edges(&self, cursor: &mut Cursor<'_>) -> Result<Cells<EdgeKey, EdgeFigures>, IndexError> {
        cells(cursor, EDGE_BYTES_MIN, |cursor| {
            let (client, server) = (self.code(cursor)?, self.code(cursor)?);
            let system = self.code(cursor)?;
            let connection = Connection::ALL.get(usize::from(cursor.u8()?));
            let connection = *connection.ok_or(cursor.corrupt("unknown connection"))?;
            let calls = cursor.varint()?;
            let counts = Counts { calls, ..errors(cursor)? };
            let server_durations = durations(cursor)?;
            let client_durations = durations(cursor)?;
            let figures = EdgeFigures { counts, server_durations, client_durations };
            Ok((EdgeKey { client, server, system, connection }, figures))
        })
    }
}

fn cells<K: Copy + Ord, F>(
    cursor: &mut Cursor<'_>,
    bytes_min: usize,
    read: impl Fn(&mut Cursor<'_>) -> Result<(K, F), IndexError>,
) -> Result<Cells<K, F>, IndexError> {
    let bucket_nanos = i64::try_from(cursor.varint()?).ok().filter(|nanos| *nanos > 0);
    let bucket_nanos = bucket_nanos.ok_or(cursor.corrupt("impossible width of buckets"))?;
    let count = cursor.count(bytes_min)?;
    let mut bucket = 0_i64;
    let cells = cursor.column(count, |cursor| {
        bucket = bucket.wrapping_add(cursor.signed()?);
        let (key, figures) = read(cursor)?;
        Ok(Cell { bucket, key, figures })
    })?;
    if !cells.is_sorted_by(|a, b| (a.bucket, a.key) < (b.bucket, b.key)) {
        return Err(cursor.corrupt("cells are out of order"));
    }
    Ok(Cells { bucket_nanos, cells })
}

fn errors(cursor: &mut Cursor<'_>) -> Result<Counts, IndexError> {
    let number = cursor.varint()?;
    let mut counts = Counts { errors: number >> 1, ..Counts::default() };
    if number & 1 != 0 {
        counts.calls_beyond = cursor.varint()?;
        counts.errors_beyond = cursor.varint()?;
    }
    Ok(counts)
}

fn durations(cursor: &mut Cursor<'_>) -> Result<Durations, IndexError> {
    let n_buckets = cursor.count(2)?;
    if n_buckets == 0 {
        return Ok(Durations::default());
    }
    if n_buckets > usize::from(BUCKETS) {
        return Err(cursor.corrupt("histogram has too many buckets"));
    }
    let mut buckets: Vec<(u16, u64)> = Vec::with_capacity(n_buckets);
    for _ in 0..n_buckets {
        let previous = buckets.last().map(|&(bucket, _)| u64::from(bucket));
        let (gap, count) = (cursor.varint()?, cursor.varint()?);
        let bucket = previous.unwrap_or(0).saturating_add(gap);
        if bucket >= u64::from(BUCKETS) || (previous.is_some() && gap == 0) || count == 0 {
            return Err(cursor.corrupt("histogram has an impossible bucket"));
        }
        buckets.push((bucket as u16, count));
    }
    let low = cursor.varint()?;
    let sum = u128::from(low) | u128::from(cursor.varint()?) << 64;
    Ok(Durations::from_parts(buckets, sum))
}
