//! Text in columns.

/// Where the text of a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Lays out rows under headings: columns as wide as their widest cell, two blanks between, and the last
/// column cut so that no line is wider than `width` (but never below 12).
pub(crate) fn render<const N: usize>(
    headings: [(&str, Align); N],
    rows: &[[String; N]],
    width: usize,
) -> String {
    let rows: Vec<&[String]> = rows.iter().map(<[String; N]>::as_slice).collect();
    render_rows(&headings, &rows, width)
}

/// As [`render`], for columns that are known only when it runs.
pub(crate) fn render_rows(headings: &[(&str, Align)], rows: &[&[String]], width: usize) -> String {
    let widths = headings.iter().map(|(heading, _)| heading.chars().count());
    let mut widths: Vec<usize> = widths.collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(*row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    if let Some((last, before)) = widths.split_last_mut() {
        let taken: usize = before.iter().map(|width| width + 2).sum();
        *last = (*last).min(width.saturating_sub(taken).max(12));
    }
    let heading_cells: Vec<String> =
        headings.iter().map(|(heading, _)| (*heading).to_owned()).collect();
    let mut out = String::new();
    for row in std::iter::once(heading_cells.as_slice()).chain(rows.iter().copied()) {
        let mut line = String::new();
        for ((cell, &width), (_, align)) in row.iter().zip(&widths).zip(headings) {
            let cell = fit(cell, width);
            match align {
                Align::Left => line.push_str(&format!("{cell:<width$}  ")),
                Align::Right => line.push_str(&format!("{cell:>width$}  ")),
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// `text` without control characters, which could change the terminal, and at most `width` wide; a cut is
/// marked by `..`.
pub(crate) fn fit(text: &str, width: usize) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    if text.chars().count() <= width {
        return text.chars().map(clean).collect();
    }
    let kept = text.chars().take(width.saturating_sub(2)).map(clean);
    kept.chain("..".chars().take(width)).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn columns_are_aligned_and_the_last_is_cut() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let rows = [
            row(["a1", "1.5ms", "checkout: POST /orders"]),
            row(["bcd2", "12ms", "a name that is longer than the space"]),
        ];
        let headings = [("ID", Align::Left), ("TOOK", Align::Right), ("ROOT", Align::Left)];
        expect![[r#"
            ID     TOOK  ROOT
            a1    1.5ms  checkout: POST /orders
            bcd2   12ms  a name that is longer t..
        "#]]
        .assert_eq(&render(headings, &rows, 38));
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(fit("a\x1b[31mb\nc", 20), "a [31mb c");
        assert_eq!(fit("abcdef", 4), "ab..");
        assert_eq!(fit("abcdef", 1), ".");
    }
}
