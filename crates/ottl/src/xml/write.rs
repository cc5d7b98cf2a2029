//! Trees into texts.

use super::document::{Document, Kind};

impl Document {
    /// The text of what is below the root.
    pub(crate) fn to_text(&self) -> String {
        let mut out = String::new();
        self.children(0).iter().for_each(|child| self.write(*child, &mut out));
        out
    }

    /// Appends the text of a node.
    pub(crate) fn write(&self, id: usize, out: &mut String) {
        let Some(node) = self.node(id) else { return };
        match &node.kind {
            Kind::Root => {}
            Kind::Text(text) => escape(text, out),
            Kind::CData(data) => enclose("<![CDATA[", data, "]]>", out),
            Kind::Comment(comment) => enclose("<!--", comment, "-->", out),
            Kind::Instruction(instruction) => enclose("<?", instruction, "?>", out),
            Kind::Element(name) => {
                enclose("<", name, "", out);
                for (key, value) in &node.attributes {
                    enclose(" ", key, "=\"", out);
                    escape(value, out);
                    out.push('"');
                }
                out.push('>');
                node.children.iter().for_each(|child| self.write(*child, out));
                enclose("</", name, ">", out);
            }
        }
    }
}

fn enclose(before: &str, text: &str, after: &str, out: &mut String) {
    out.push_str(before);
    out.push_str(text);
    out.push_str(after);
}

/// Appends characters that mean something to XML as what stands for them.
pub(crate) fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&#34;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
}
