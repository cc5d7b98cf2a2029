//! Colors of the terminal.

use std::fmt::Write;
use std::io::{self, IsTerminal};

/// How a text stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Bold,
    Faint,
    Error,
    /// One of the colors for services; every number is one.
    Service(usize),
}

/// Colors of the 256-color palette that can be told apart on dark and light backgrounds; no red, which
/// is for errors.
const SERVICE_COLORS: [u8; 12] = [33, 172, 35, 134, 37, 142, 69, 168, 71, 178, 99, 109];

/// When to use colors; `Auto` is on a terminal, unless `NO_COLOR` is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ColorChoice {
    Auto,
    Always,
    Never,
}

/// Writes styled text, or plain text where colors are off.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Painter {
    enabled: bool,
}

impl Painter {
    /// For standard output. `no_color` is the value of `NO_COLOR` (<https://no-color.org>).
    pub(crate) fn for_stdout(choice: ColorChoice, no_color: Option<&str>) -> Self {
        let enabled = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => io::stdout().is_terminal() && no_color.is_none_or(str::is_empty),
        };
        Self { enabled }
    }

    /// Appends `text`.
    pub(crate) fn paint(self, out: &mut String, style: Style, text: &str) {
        let code = match style {
            _ if !self.enabled || text.is_empty() => None,
            Style::Plain => None,
            Style::Bold => Some("1".to_owned()),
            Style::Faint => Some("2".to_owned()),
            Style::Error => Some("31".to_owned()),
            Style::Service(number) => {
                let color = SERVICE_COLORS[number % SERVICE_COLORS.len()];
                Some(format!("38;5;{color}"))
            }
        };
        match code {
            Some(code) => {
                write!(out, "\x1b[{code}m{text}\x1b[0m")
                    .expect("writing to a string does not fail");
            }
            None => out.push_str(text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_only_where_they_are_wanted() {
        let painted = |choice| {
            let mut text = String::new();
            Painter::for_stdout(choice, Some("1")).paint(&mut text, Style::Error, "x");
            text
        };
        assert_eq!(painted(ColorChoice::Always), "\x1b[31mx\x1b[0m");
        assert_eq!(painted(ColorChoice::Never), "x");
        assert_eq!(painted(ColorChoice::Auto), "x");
    }
}
