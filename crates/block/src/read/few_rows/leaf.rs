//! Values of some rows of one column chunk.

use std::ops::Range;

use parquet::basic::{Compression, Type as Physical};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::page_index::offset_index::PageLocation;

use super::header::{Encoding, PageKind};
use super::levels::{self, ListLevels, Presence};
use super::pages::Pages;
use super::values::Values;
use super::{Damage, hybrid};

/// A column chunk, and those of its pages that hold wanted rows.
pub(super) struct Leaf {
    dictionary: Option<Range<u64>>,
    pages: Vec<Page>,
    physical: Physical,
    /// Bytes of a value of fixed length.
    value_bytes: usize,
    /// Level of a value, and of the elements of its list if there is one.
    value_level: u32,
    element_level: Option<u32>,
    pub(super) is_compressed: bool,
    /// No page has more bytes before compression.
    pub(super) raw_bytes_max: usize,
    /// Nor more levels.
    n_levels_max: usize,
}

struct Page {
    bytes: Range<u64>,
    /// Wanted rows, counted from the first of the page, whose number is `n_rows`.
    wanted: Vec<Range<usize>>,
    n_rows: usize,
}

/// The values of wanted rows, or of the elements of their lists.
pub(super) struct Part {
    pub(super) presence: Presence,
    /// Which of `values` those that have one have; `None` when they have one each, in order.
    pub(super) places: Option<Vec<u32>>,
    pub(super) values: Values,
}

impl Leaf {
    /// `locations` are the pages of the chunk, whose row group has `n_rows` rows.
    pub(super) fn new(
        chunk: &ColumnChunkMetaData,
        locations: &[PageLocation],
        n_rows: u32,
        wanted: &[Range<u32>],
    ) -> Result<Self, Damage> {
        let offset = |offset: i64| u64::try_from(offset).map_err(|_| "has a page at no place");
        let first_row = |page: &PageLocation| u32::try_from(page.first_row_index).ok();
        let mut pages = Vec::new();
        for (i, page) in locations.iter().enumerate() {
            let start = first_row(page).ok_or("has a page of no rows")?;
            let end = locations.get(i + 1).map_or(Some(n_rows), first_row);
            let end = end.filter(|end| *end >= start).ok_or("has pages that are out of order")?;
            let within = wanted.iter().filter(|rows| rows.start < end && rows.end > start);
            let within: Vec<Range<usize>> = within
                .map(|rows| {
                    (rows.start.max(start) - start) as usize..(rows.end.min(end) - start) as usize
                })
                .collect();
            if !within.is_empty() {
                let bytes = offset(page.offset)?;
                let bytes = bytes..bytes.saturating_add(offset(page.compressed_page_size.into())?);
                pages.push(Page { bytes, wanted: within, n_rows: (end - start) as usize });
            }
        }
        let first_page = locations.first().map(|page| page.offset);
        let dictionary = match chunk.dictionary_page_offset().zip(first_page) {
            Some((start, end)) if !pages.is_empty() => Some(offset(start)?..offset(end)?),
            _ => None,
        };
        let column = chunk.column_descr();
        let is_compressed = match chunk.compression() {
            Compression::UNCOMPRESSED => false,
            Compression::ZSTD(_) => true,
            _ => return Err("is compressed in a way that blocks are not"),
        };
        let value_level = u32::from(column.max_def_level().cast_unsigned());
        let is_optional = column.self_type().is_optional();
        Ok(Self {
            dictionary,
            pages,
            physical: column.physical_type(),
            value_bytes: usize::try_from(column.type_length()).unwrap_or(0),
            value_level,
            element_level: (column.max_rep_level() > 0)
                .then(|| value_level.saturating_sub(u32::from(is_optional))),
            is_compressed,
            raw_bytes_max: usize::try_from(chunk.uncompressed_size()).unwrap_or(0),
            n_levels_max: usize::try_from(chunk.num_values()).unwrap_or(0),
        })
    }

    /// Where the needed pages lie in the file.
    pub(super) fn pages(&self) -> impl Iterator<Item = Range<u64>> {
        self.dictionary.iter().chain(self.pages.iter().map(|page| &page.bytes)).cloned()
    }

    /// The values of the wanted rows.
    pub(super) fn read(&self, pages: &mut Pages<'_>) -> Result<Part, Damage> {
        let mut presence = Presence::default();
        let mut values = Values::new(self.physical, self.value_bytes)?;
        let mut codes = Vec::new();
        for page in &self.pages {
            let (PageKind::Data { n_levels, encoding }, raw) = pages.read(self, &page.bytes)?
            else {
                return Err("has a dictionary among its pages");
            };
            let (slots, raw) = self.slots(page, n_levels, raw, &mut presence)?;
            let n_wanted: usize = slots.iter().map(Range::len).sum();
            if n_wanted == 0 {
                continue;
            }
            // A value has a code or is there itself, never both in one chunk.
            if (encoding == Encoding::Codes) != self.dictionary.is_some() {
                return Err("has pages with codes and without");
            }
            match encoding {
                Encoding::Plain => values.push_plain(raw, slots.into_iter())?,
                Encoding::Split => values.push_split(raw, slots.into_iter())?,
                Encoding::Runs => values.push_runs(raw, slots.into_iter())?,
                Encoding::Codes => {
                    let (width, raw) = raw.split_first().ok_or("has a page without codes")?;
                    let n_values = slots.last().map_or(0, |slots| slots.end);
                    hybrid::pick(raw, u32::from(*width), n_values, slots.into_iter(), &mut codes)?;
                }
            }
        }
        let Some(dictionary) = self.dictionary.as_ref().filter(|_| !codes.is_empty()) else {
            return Ok(Part { presence, places: None, values });
        };
        let mut known = codes.clone();
        known.sort_unstable();
        known.dedup();
        let (PageKind::Dictionary, raw) = pages.read(self, dictionary)? else {
            return Err("has no dictionary where it should be");
        };
        values.push_plain(raw, known.iter().map(|code| *code as usize..*code as usize + 1))?;
        let place = |code: &u32| known.binary_search(code).unwrap_or_default() as u32;
        let places = codes.iter().map(place).collect();
        Ok(Part { presence, places: Some(places), values })
    }

    /// Which of a page's values the wanted rows have, and the bytes of the values.
    fn slots<'p>(
        &self,
        page: &Page,
        n_levels: usize,
        raw: &'p [u8],
        presence: &mut Presence,
    ) -> Result<(Vec<Range<usize>>, &'p [u8]), Damage> {
        if n_levels > self.n_levels_max {
            return Err("has a page that claims to have more values than its column");
        }
        if let Some(element) = self.element_level {
            let (repetition, raw) = levels::split(raw)?;
            let (definition, raw) = levels::split(raw)?;
            let levels =
                ListLevels { repetition, definition, n_levels, value: self.value_level, element };
            return Ok((levels.elements(&page.wanted, presence)?, raw));
        }
        if n_levels != page.n_rows {
            return Err("has a page with another number of rows than the index says");
        }
        match self.value_level {
            0 => {
                let n_rows: usize = page.wanted.iter().map(Range::len).sum();
                presence.present.resize(presence.present.len() + n_rows, true);
                Ok((page.wanted.clone(), raw))
            }
            1 => {
                let (definition, raw) = levels::split(raw)?;
                Ok((levels::flat(definition, n_levels, &page.wanted, presence)?, raw))
            }
            _ => Err("is optional in several ways"),
        }
    }
}
