//! The functions that a query may call: those of DataFusion, less those that make memory or time grow out of nothing.
//!
//! Operators reserve the memory that they keep; functions do not. So those that make a long text out of a number
//! are left out, and those whose texts grow with their arguments refuse to make too much at once ([`Bounded`]):
//! nested often enough, `a || a` fills any memory.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, StringArray, cast::AsArray};
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::execution::SessionStateDefaults;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

/// What a call makes for one batch of rows at most.
const TEXT_BYTES_MAX: usize = 64 << 20;

/// What `||` is called once it is a function.
pub(crate) const CONCAT_OPERATOR: &str = "concat_texts";

/// Functions that are not there: their results are as long as a number says, double what they are given, or they
/// take the product of two lengths.
const LEFT_OUT: [&str; 10] = [
    "repeat",
    "lpad",
    "rpad",
    "encode",
    "decode",
    "levenshtein",
    "arrow_cast",
    "arrow_try_cast",
    "with_metadata",
    "arrow_field",
];

/// How long the result may be, from the arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Growth {
    /// As long as all of them together.
    Sum,
    /// The first one, with each character replaced by the third one.
    Replaced,
}

fn growth(name: &str) -> Option<Growth> {
    Some(match name {
        "concat" | "concat_ws" | "overlay" => Growth::Sum,
        "replace" | "regexp_replace" => Growth::Replaced,
        _ => return None,
    })
}

/// The scalar functions.
pub(crate) fn scalar() -> Vec<Arc<ScalarUDF>> {
    let all = SessionStateDefaults::default_scalar_functions().into_iter();
    let kept = all.filter(|function| !LEFT_OUT.contains(&function.name()));
    let bounded = kept.map(|function| match growth(function.name()) {
        Some(growth) => Arc::new(ScalarUDF::from(Bounded { function, growth })),
        None => function,
    });
    bounded.chain([Arc::new(ScalarUDF::from(ConcatTexts::new()))]).collect()
}

/// A function that refuses to make too much.
#[derive(Debug)]
struct Bounded {
    function: Arc<ScalarUDF>,
    growth: Growth,
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.function == other.function
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.function.hash(state);
    }
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.function.name()
    }

    fn aliases(&self) -> &[String] {
        self.function.aliases()
    }

    fn signature(&self) -> &Signature {
        self.function.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.function.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.function.return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.function.coerce_types(types)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        check(self.name(), self.growth, &args.args, args.number_rows)?;
        self.function.invoke_with_args(args)
    }
}

fn check(name: &str, growth: Growth, args: &[ColumnarValue], n_rows: usize) -> Result<()> {
    let bytes = match growth {
        Growth::Sum => {
            args.iter().map(|arg| text_bytes(arg, n_rows)).fold(0, usize::saturating_add)
        }
        Growth::Replaced => {
            let bytes = args.first().map_or(0, |arg| text_bytes(arg, n_rows));
            let by = args.get(2).map_or(0, longest);
            bytes.saturating_add(n_rows).saturating_mul(by.saturating_add(1))
        }
    };
    match bytes > TEXT_BYTES_MAX {
        true => exec_err!("{name} would make more than {TEXT_BYTES_MAX} bytes of text at once"),
        false => Ok(()),
    }
}

/// Bytes of texts, over all rows.
fn text_bytes(value: &ColumnarValue, n_rows: usize) -> usize {
    match value {
        ColumnarValue::Scalar(scalar) => scalar_bytes(scalar).saturating_mul(n_rows),
        ColumnarValue::Array(array) => lengths(array).sum(),
    }
}

/// Bytes of the longest text.
fn longest(value: &ColumnarValue) -> usize {
    match value {
        ColumnarValue::Scalar(scalar) => scalar_bytes(scalar),
        ColumnarValue::Array(array) => lengths(array).max().unwrap_or(0),
    }
}

fn scalar_bytes(scalar: &ScalarValue) -> usize {
    scalar.try_as_str().flatten().map_or(0, str::len)
}

fn lengths(array: &ArrayRef) -> Box<dyn Iterator<Item = usize> + '_> {
    let length = |text: Option<&str>| text.map_or(0, str::len);
    match array.data_type() {
        DataType::Utf8 => Box::new(array.as_string::<i32>().iter().map(length)),
        DataType::LargeUtf8 => Box::new(array.as_string::<i64>().iter().map(length)),
        DataType::Utf8View => Box::new(array.as_string_view().iter().map(length)),
        // Numbers and times: none is written with more.
        _ => Box::new(std::iter::repeat_n(64, array.len())),
    }
}

/// `a || b` of texts: null when one of them is.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ConcatTexts {
    signature: Signature,
}

impl ConcatTexts {
    fn new() -> Self {
        Self { signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ConcatTexts {
    fn name(&self) -> &str {
        CONCAT_OPERATOR
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        Ok(vec![DataType::Utf8; types.len()])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        check(self.name(), Growth::Sum, &args.args, args.number_rows)?;
        let all_scalar = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let [left, right] = arrays.as_slice() else {
            return exec_err!("|| has two sides");
        };
        let pairs = left.as_string::<i32>().iter().zip(right.as_string::<i32>());
        let joined = pairs.map(|(left, right)| Some(format!("{}{}", left?, right?)));
        let joined: ArrayRef = Arc::new(joined.collect::<StringArray>());
        Ok(match all_scalar {
            true => ColumnarValue::Scalar(ScalarValue::try_from_array(&joined, 0)?),
            false => ColumnarValue::Array(joined),
        })
    }
}
