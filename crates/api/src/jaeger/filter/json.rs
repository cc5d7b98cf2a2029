//! Filters as JSON. A field that is unknown is an error: a condition that is not understood must not be left out.

use serde::Deserialize;
use spandrel_proto::jaeger_expression::{
    AttributeReference, Call, Expression, FieldReference, List, NestedReference, Scalar,
    expression::Term,
};

/// The call that the JSON is.
///
/// # Errors
/// What is wrong with the JSON.
pub(super) fn call(json: &str) -> Result<Call, String> {
    let call: JsonCall = serde_json::from_str(json).map_err(|error| error.to_string())?;
    call.into_call()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonCall {
    #[serde(default)]
    op: String,
    #[serde(default)]
    args: Vec<JsonExpression>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonExpression {
    attr: Option<JsonAttribute>,
    field: Option<JsonField>,
    nested: Option<JsonNested>,
    scalar: Option<JsonScalar>,
    list: Option<JsonList>,
    call: Option<JsonCall>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonAttribute {
    #[serde(default)]
    key: String,
    #[serde(default)]
    level: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonField {
    #[serde(default)]
    name: String,
    #[serde(default)]
    level: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonNested {
    #[serde(default)]
    level: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonScalar {
    #[serde(default)]
    value: String,
    #[serde(default, rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonList {
    #[serde(default)]
    values: Vec<String>,
    #[serde(default, rename = "type")]
    kind: String,
}

impl JsonCall {
    fn into_call(self) -> Result<Call, String> {
        let args = self.args.into_iter().map(JsonExpression::into_expression);
        Ok(Call { op: self.op, args: args.collect::<Result<_, _>>()? })
    }
}

impl JsonExpression {
    fn into_expression(self) -> Result<Expression, String> {
        let attr = self
            .attr
            .map(|JsonAttribute { key, level }| Term::Attr(AttributeReference { key, level }));
        let field =
            self.field.map(|JsonField { name, level }| Term::Field(FieldReference { name, level }));
        let nested =
            self.nested.map(|JsonNested { level }| Term::Nested(NestedReference { level }));
        let scalar = self
            .scalar
            .map(|JsonScalar { value, kind }| Term::Scalar(Scalar { value, r#type: kind }));
        let list =
            self.list.map(|JsonList { values, kind }| Term::List(List { values, r#type: kind }));
        let call = self.call.map(JsonCall::into_call).transpose()?.map(Term::Call);
        let mut terms = [attr, field, nested, scalar, list, call].into_iter().flatten();
        match (terms.next(), terms.next()) {
            (term, None) => Ok(Expression { term }),
            _ => Err("an argument has to be one thing, not several".to_owned()),
        }
    }
}
