//! Roots of traces, as far as the tables of units know them: a unit knows the root of a trace only if it has it.

use hashbrown::HashMap;
use hashbrown::hash_map::EntryRef;
use spandrel_base::memory::Reservation;
use spandrel_columns::arrange::TraceFacts;
use spandrel_ingest::LiveRun;
use spandrel_traceql::{Attribute, Intrinsic};

use crate::QueryError;

/// The number of the root of traces without one.
pub(crate) const NO_ROOT: u32 = 0;

/// Whether the attribute is about the root of the trace.
pub(crate) fn is_of_root(attribute: &Attribute) -> bool {
    matches!(attribute, Attribute::Intrinsic(Intrinsic::RootName | Intrinsic::RootServiceName))
}

/// Name and service of roots by number, both empty for [`NO_ROOT`].
pub(crate) struct RootTexts {
    /// Numbers by service and name.
    numbers: HashMap<String, HashMap<String, u32>>,
    texts: Vec<(String, String)>,
}

impl RootTexts {
    pub(crate) fn new() -> Self {
        Self { numbers: HashMap::new(), texts: vec![(String::new(), String::new())] }
    }

    /// The number of a root of this name and service. It may have neither, and is a root all the same.
    pub(crate) fn number(
        &mut self,
        root: Option<(&str, &str)>,
        held: &mut Reservation,
    ) -> Result<u32, QueryError> {
        let Some((name, service)) = root else { return Ok(NO_ROOT) };
        let next = self.texts.len() as u32;
        let of_service = match self.numbers.entry_ref(service) {
            EntryRef::Occupied(known) => known.into_mut(),
            EntryRef::Vacant(vacant) => vacant.insert(HashMap::new()),
        };
        Ok(match of_service.entry_ref(name) {
            EntryRef::Occupied(known) => *known.get(),
            EntryRef::Vacant(vacant) => {
                held.try_grow(2 * (size_of::<(String, String)>() + name.len() + service.len()))?;
                self.texts.push((name.to_owned(), service.to_owned()));
                *vacant.insert(next)
            }
        })
    }

    /// What a root has as this attribute, one of roots.
    pub(crate) fn text(&self, root: u32, attribute: &Attribute) -> &str {
        let (name, service) = &self.texts[root as usize];
        match attribute {
            Attribute::Intrinsic(Intrinsic::RootName) => name,
            _ => service,
        }
    }
}

/// The root of a trace, after another unit said what it knows; `None` when several units have one: which of these comes
/// first is for the whole trace to tell.
pub(crate) fn joined(known: Option<u32>, other: u32) -> Option<u32> {
    match (known?, other) {
        (known, NO_ROOT) => Some(known),
        (NO_ROOT, other) => Some(other),
        _ => None,
    }
}

/// Name and service of the root in a live run.
pub(crate) fn live_root<'a>(run: &'a LiveRun, trace: &TraceFacts) -> Option<(&'a str, &'a str)> {
    let spans = run.spans();
    let row = run.arrangement().order[trace.root_row? as usize] as usize;
    let resource = &spans.resource_table.values()[spans.resources[row] as usize];
    let name = spans.name_dictionary.get(spans.names[row]);
    Some((name, resource.service_name().unwrap_or_default()))
}
