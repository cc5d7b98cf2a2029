//! The W3C trace state of a span, and what OpenTelemetry keeps in it.

use super::threshold::{HEX_DIGITS, Threshold, parse_hex};

/// The key of OpenTelemetry.
const KEY: &str = "ot";
/// The longest text that is read, and the longest value of OpenTelemetry.
const LENGTH_MAX: usize = 8192;
const VALUE_LENGTH_MAX: usize = 256;

/// A trace state that can be changed; everything that is not about sampling stays as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct TraceState {
    /// `rv`: explicit randomness, 56 bits.
    pub(super) randomness: Option<u64>,
    /// `th`: the threshold of samplers before.
    pub(super) threshold: Option<Threshold>,
    /// Other fields of OpenTelemetry.
    fields: Vec<String>,
    /// Other members of the trace state.
    members: Vec<String>,
}

impl TraceState {
    /// Reads a trace state; nothing when it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() > LENGTH_MAX {
            return None;
        }
        let mut state = Self::default();
        for member in text.split(',').map(str::trim).filter(|member| !member.is_empty()) {
            let (key, value) = member.split_once('=')?;
            if key != KEY {
                state.members.push(member.to_owned());
                continue;
            }
            if value.len() > VALUE_LENGTH_MAX {
                return None;
            }
            for field in value.split(';') {
                state.read(field)?;
            }
        }
        Some(state)
    }

    fn read(&mut self, field: &str) -> Option<()> {
        let (key, value) = field.split_once(':')?;
        match key {
            "rv" if value.len() == HEX_DIGITS as usize => self.randomness = Some(parse_hex(value)?),
            "rv" => return None,
            "th" => self.threshold = Some(Threshold::parse(value)?),
            _ => self.fields.push(field.to_owned()),
        }
        Some(())
    }

    /// As text, with the member of OpenTelemetry first, since it was changed last.
    pub(super) fn write(&self) -> String {
        let mut fields = Vec::with_capacity(self.fields.len() + 2);
        fields.extend(self.randomness.map(|bits| format!("rv:{bits:014x}")));
        fields.extend(self.threshold.map(|threshold| format!("th:{}", threshold.digits())));
        fields.extend(self.fields.iter().cloned());
        let ours = (!fields.is_empty()).then(|| format!("{KEY}={}", fields.join(";")));
        ours.iter().chain(&self.members).map(String::as_str).collect::<Vec<_>>().join(",")
    }
}
