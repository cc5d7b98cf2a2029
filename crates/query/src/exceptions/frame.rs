//! The first frame of a stack trace that is neither of a runtime, a standard library nor an installed package.
//!
//! A frame is shown without line and column, so that it is the same before and after a release that did not touch it.
//! What a text is written by is told from its form: Java and .NET, Node and browsers, Python, Go, Rust.

mod dotted;
mod go;
mod javascript;
mod python;
mod rust;

/// Bytes that are looked at: of a deep recursion the first frames tell as much as all of them. Python writes the last
/// call last.
const BYTES_MAX: usize = 64 << 10;
/// Characters of a frame that are kept.
const FRAME_CHARS_MAX: usize = 300;

/// One line of a stack trace.
struct Frame {
    /// Function and file.
    text: String,
    /// Whether it is code of whoever wrote the program, as far as can be told.
    is_own: bool,
}

impl Frame {
    /// A function in a file of which the last two parts of the path are kept.
    fn in_file(function: &str, path: &str, is_own: bool) -> Self {
        let text = match (function, short_path(path)) {
            ("", path) => path,
            (function, path) if path.is_empty() => function.to_owned(),
            (function, path) => format!("{function} ({path})"),
        };
        Self { text, is_own }
    }
}

/// The first own frame of a stack trace; `None` when there is none, or the text is no stack trace that is known.
pub(super) fn top_own_frame(stack: &str) -> Option<String> {
    let first = stack.get(..stack.floor_char_boundary(BYTES_MAX)).unwrap_or_default();
    let last = stack.get(stack.ceil_char_boundary(stack.len().saturating_sub(BYTES_MAX))..);
    let found = if python::is_one(stack) {
        python::top_own_frame(last.unwrap_or_default())
    } else if go::is_one(first) {
        first_own(go::frames(first))
    } else if rust::is_one(first) {
        first_own(rust::frames(first))
    } else {
        first_own(
            root_cause(first)
                .lines()
                .filter_map(|line| javascript::frame(line).or_else(|| dotted::frame(line))),
        )
    };
    found.map(|frame| frame.chars().take(FRAME_CHARS_MAX).collect())
}

fn first_own(mut frames: impl Iterator<Item = Frame>) -> Option<String> {
    frames.find(|frame| frame.is_own).map(|frame| frame.text)
}

/// What stands behind the last `Caused by`, when there are own frames in it.
fn root_cause(stack: &str) -> &str {
    let cause = stack.rfind("\nCaused by: ").and_then(|at| stack.get(at..));
    let is_own = |line: &str| dotted::frame(line).is_some_and(|frame| frame.is_own);
    cause.filter(|cause| cause.lines().any(is_own)).unwrap_or(stack)
}

/// The last two parts of a path.
fn short_path(path: &str) -> String {
    let mut parts = path.rsplit(['/', '\\']).filter(|part| !part.is_empty());
    match (parts.next(), parts.next()) {
        (Some(file), Some(folder)) => format!("{folder}/{file}"),
        (Some(file), None) => file.to_owned(),
        _ => String::new(),
    }
}

/// A path without the line and column behind it.
fn without_position(location: &str) -> &str {
    let mut rest = location.trim();
    for _ in 0..2 {
        match rest.rsplit_once(':') {
            Some((before, number))
                if !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()) =>
            {
                rest = before;
            }
            _ => break,
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::top_own_frame;

    #[test]
    fn every_language_has_its_own_frame() {
        for (stack, wanted) in [
            (
                "java.lang.IllegalStateException: no stock\n\
                 \tat java.base/java.util.Optional.orElseThrow(Optional.java:403)\n\
                 \tat com.acme.shop.Stock.take(Stock.java:42)\n\
                 \tat com.acme.shop.Cart.add(Cart.java:7)\n",
                Some("com.acme.shop.Stock.take (Stock.java)"),
            ),
            (
                "com.acme.ApiException: failed\n\tat com.acme.Api.call(Api.java:9)\n\
                 Caused by: java.io.IOException: reset\n\
                 \tat java.base/sun.nio.ch.SocketChannelImpl.read(SocketChannelImpl.java:1)\n\
                 \tat com.acme.Wire.read(Wire.kt:12)\n\t... 12 more\n",
                Some("com.acme.Wire.read (Wire.kt)"),
            ),
            (
                "Traceback (most recent call last):\n  File \"/app/shop/api.py\", line 3, in handle\n    \
                 pay()\n  File \"/app/shop/pay.py\", line 12, in charge\n    json.loads(x)\n  File \
                 \"/usr/lib/python3.12/json/__init__.py\", line 346, in loads\n    raise\n\
                 json.JSONDecodeError: Expecting value\n",
                Some("charge (shop/pay.py)"),
            ),
            (
                "TypeError: Cannot read properties of undefined\n    at new Promise (<anonymous>)\n    at \
                 process.processTicksAndRejections (node:internal/process/task_queues:95:5)\n    at \
                 /app/node_modules/express/lib/router.js:10:3\n    at async charge \
                 (/app/src/pay.js:12:15)\n",
                Some("charge (src/pay.js)"),
            ),
            (
                "Error: x\n    at file:///app/src/main.mjs:1:7\n    at ModuleJob.run (node:internal/m:1:2)\n",
                Some("src/main.mjs"),
            ),
            (
                "charge@https://shop.example/assets/pay.js:3:11\n@https://shop.example/assets/main.js:1:1\n",
                Some("charge (assets/pay.js)"),
            ),
            (
                "goroutine 34 [running]:\nruntime/debug.Stack()\n\t/usr/local/go/src/runtime/debug/stack.go:26 \
                 +0x64\ngo.opentelemetry.io/otel/sdk/trace.recordStackTrace()\n\t/home/ci/go/pkg/mod/\
                 go.opentelemetry.io/otel/sdk@v1.35.0/trace/span.go:582 +0x2c\npanic({0x1, 0x2})\n\t\
                 /usr/local/go/src/runtime/panic.go:792 +0x124\nmain.(*Server).charge(0xc000, 0x5)\n\t\
                 /src/shop/main.go:42 +0x1d\n",
                Some("main.(*Server).charge (shop/main.go)"),
            ),
            (
                "   at System.Text.Json.ThrowHelper.Throw(String message)\n   at \
                 Acme.Shop.Pay.Charge(Decimal amount, String card) in C:\\src\\Shop\\Pay.cs:line 42\n   at \
                 Acme.Shop.Program.Main()\n",
                Some("Acme.Shop.Pay.Charge (Shop/Pay.cs)"),
            ),
            (
                "   at Microsoft.AspNetCore.Mvc.Run(Action a)\n   at Acme.Pay.<Charge>d__5.MoveNext()\n",
                Some("Acme.Pay.<Charge>d__5.MoveNext"),
            ),
            (
                "   0: rust_begin_unwind\n             at /rustc/90b35/library/std/src/panicking.rs:645:5\n   1: \
                 core::panicking::panic_fmt\n   2: 0x55d - shop::pay::charge::h0123456789abcdef\n             at \
                 ./src/pay.rs:12:9\n   3: main\n",
                Some("shop::pay::charge (src/pay.rs)"),
            ),
        ] {
            assert_eq!(top_own_frame(stack).as_deref(), wanted, "{stack}");
        }
    }

    #[test]
    fn without_an_own_frame_there_is_none() {
        for stack in [
            "",
            "something failed at noon",
            "java.lang.Error\n\tat java.base/java.lang.Thread.run(Thread.java:1)\n",
            "Traceback (most recent call last):\n  File \"/usr/lib/python3.12/a.py\", line 1, in b\n",
            "goroutine 1 [running]:\n",
            "\u{e9}".repeat(100_000).as_str(),
        ] {
            assert_eq!(top_own_frame(stack), None, "{}", stack.len());
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_taken(text in "(at |File \"|, line |in |\n|\t|0: |::|\\(|\\)|goroutine |\\.go:|\\u{e9}|:1|Caused by: ){0,40}") {
            drop(top_own_frame(&text));
        }
    }
}
