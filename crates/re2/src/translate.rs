//! RE2 syntax as Go reads it, rewritten into the syntax of the `regex` crate where they differ.
//!
//! The differences: Perl classes and word boundaries are ASCII, `{` that opens no repetition is
//! literal, `\Q...\E` quotes, octal escapes exist, while class set operators, nested classes and
//! the word-edge escapes do not.

const DIGITS: &str = "0-9";
const WORD: &str = "0-9A-Za-z_";
const SPACE: &str = r"\t\n\x0C\r ";

/// The classes that have names.
const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// Characters of the longest class with a name behind its first bracket.
const LONGEST_CLASS: usize = ":^xdigit:]".len();

/// The largest count in a repetition, as in RE2.
const MAX_REPEAT: u32 = 1000;

/// Rewrites `source` for the `regex` crate. What both syntaxes refuse is left for its compiler to refuse.
///
/// The result is for patterns over bytes: the ASCII form of `\B` is not available over text.
///
/// # Errors
/// The reason why `source` is no RE2 expression.
pub fn translate(source: &str) -> Result<String, String> {
    let mut translator = Translator { rest: source, out: String::with_capacity(source.len() + 16) };
    translator.run()?;
    Ok(translator.out)
}

struct Translator<'a> {
    rest: &'a str,
    out: String,
}

impl Translator<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.skip(c.len_utf8());
        Some(c)
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// Copies the rest up to and including `end`.
    fn copy_through(&mut self, end: char) {
        let length = self.rest.find(end).map_or(self.rest.len(), |at| at + end.len_utf8());
        self.out.push_str(self.rest.get(..length).unwrap_or_default());
        self.skip(length);
    }

    fn run(&mut self) -> Result<(), String> {
        let mut open = 0_u32;
        while let Some(c) = self.next() {
            match c {
                '\\' => self.escape()?,
                '[' => self.class()?,
                '(' => {
                    open += 1;
                    self.group()?;
                }
                ')' => {
                    // Checked here: the anchors around the pattern would balance it.
                    open = open.checked_sub(1).ok_or("unexpected )")?;
                    self.out.push(')');
                }
                '{' => self.brace()?,
                '}' => self.out.push_str(r"\}"),
                c => self.out.push(c),
            }
        }
        Ok(())
    }

    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        let Some(inner) = self.rest.strip_prefix('?') else { return Ok(()) };
        if inner.starts_with("P<") || inner.starts_with('<') {
            return Ok(());
        }
        let flags = inner.split([')', ':']).next().unwrap_or_default();
        match flags.chars().find(|c| !"imsU-".contains(*c)) {
            Some(c) => Err(format!("invalid group flag {c}")),
            None => Ok(()),
        }
    }

    fn brace(&mut self) -> Result<(), String> {
        let is_count = |c: char| c.is_ascii_digit() || c == ',';
        let counts = self.rest.split(|c| !is_count(c)).next().unwrap_or_default();
        let closed = self.rest.get(counts.len()..).is_some_and(|rest| rest.starts_with('}'));
        if !closed {
            self.out.push_str(r"\{");
            return Ok(());
        }
        let (least, most) = counts.split_once(',').unwrap_or((counts, counts));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if least.is_empty() || !digits(least) || !digits(most) {
            self.out.push_str(r"\{");
            return Ok(());
        }
        let fits = |text: &str| text.is_empty() || text.parse().is_ok_and(|n: u32| n <= MAX_REPEAT);
        if !fits(least) || !fits(most) {
            return Err(format!("repetition count above {MAX_REPEAT}"));
        }
        self.out.push('{');
        self.copy_through('}');
        Ok(())
    }

    fn escape(&mut self) -> Result<(), String> {
        let c = self.next().ok_or("trailing backslash")?;
        match c {
            'd' | 'w' | 's' => {
                let members = perl_class(c);
                self.out.push_str(&format!("[{members}]"));
            }
            'D' | 'W' | 'S' => {
                let members = perl_class(c);
                self.out.push_str(&format!("[^{members}]"));
            }
            'b' | 'B' => self.out.push_str(&format!(r"(?-u:\{c})")),
            'A' | 'z' => self.out.push_str(&format!(r"\{c}")),
            'Q' => {
                let (literal, length) = match self.rest.split_once(r"\E") {
                    Some((literal, _)) => (literal, literal.len() + 2),
                    None => (self.rest, self.rest.len()),
                };
                self.out.push_str(&regex::escape(literal));
                self.skip(length);
            }
            c => self.plain_escape(c)?,
        }
        Ok(())
    }

    /// An escape that means the same inside and outside of a class.
    fn plain_escape(&mut self, c: char) -> Result<(), String> {
        match c {
            // A caret negates once more.
            'p' | 'P' if self.rest.starts_with("{^") => {
                self.skip(2);
                self.out.push_str(if c == 'p' { r"\P{" } else { r"\p{" });
                self.copy_through('}');
            }
            'p' | 'P' | 'x' => {
                self.out.push('\\');
                self.out.push(c);
                if self.rest.starts_with('{') {
                    self.copy_through('}');
                }
            }
            'a' | 'f' | 'n' | 'r' | 't' | 'v' => {
                self.out.push('\\');
                self.out.push(c);
            }
            '0'..='7' => self.octal(c)?,
            c if c.is_ascii_punctuation() => {
                self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4])))
            }
            c => return Err(format!(r"invalid escape \{c}")),
        }
        Ok(())
    }

    fn octal(&mut self, first: char) -> Result<(), String> {
        let octal = |c: &char| ('0'..='7').contains(c);
        let more: String = self.rest.chars().take_while(octal).take(2).collect();
        if first != '0' && more.is_empty() {
            return Err(format!(r"invalid escape \{first}"));
        }
        self.skip(more.len());
        let code = u32::from_str_radix(&format!("{first}{more}"), 8).unwrap_or_default();
        self.out.push_str(&format!(r"\x{{{code:X}}}"));
        Ok(())
    }

    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.rest.starts_with('^') {
            self.skip(1);
            self.out.push('^');
        }
        // A bracket in first place is a member.
        if self.rest.starts_with(']') {
            self.skip(1);
            self.out.push_str(r"\]");
        }
        loop {
            match self.next().ok_or("missing closing ]")? {
                ']' => break,
                '[' if self.rest.starts_with(':') => self.named_class()?,
                c @ ('[' | '&' | '~') => self.out.push_str(&format!(r"\{c}")),
                '-' if self.rest.starts_with('-') => self.out.push_str(r"\-"),
                '\\' => self.class_escape()?,
                c => self.out.push(c),
            }
        }
        self.out.push(']');
        Ok(())
    }

    /// A class such as `[:alpha:]`, whose first bracket has been read, or that bracket alone.
    fn named_class(&mut self) -> Result<(), String> {
        // Looking no further than the longest name reaches keeps the whole linear.
        let window =
            self.rest.char_indices().nth(LONGEST_CLASS).map_or(self.rest.len(), |(at, _)| at);
        let window = self.rest.get(1..window).unwrap_or_default();
        let Some((name, _)) = window.split_once(":]") else {
            self.out.push_str(r"\[");
            return Ok(());
        };
        if !CLASSES.contains(&name.trim_start_matches('^')) {
            return Err(format!("invalid character class [:{name}:]"));
        }
        self.out.push('[');
        self.copy_through(']');
        Ok(())
    }

    fn class_escape(&mut self) -> Result<(), String> {
        let c = self.next().ok_or("trailing backslash")?;
        match c {
            'd' | 'w' | 's' => self.out.push_str(perl_class(c)),
            'D' | 'W' | 'S' => {
                let members = perl_class(c);
                self.out.push_str(&format!("[^{members}]"));
            }
            c => self.plain_escape(c)?,
        }
        Ok(())
    }
}

/// The members of the class that `\c` or its negation names.
fn perl_class(c: char) -> &'static str {
    match c.to_ascii_lowercase() {
        'd' => DIGITS,
        'w' => WORD,
        _ => SPACE,
    }
}
