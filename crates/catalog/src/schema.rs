//! The columns of the table as other engines see them.
//!
//! The crate that writes blocks decides the columns and hands them to
//! [`DeltaCatalog::open`](crate::DeltaCatalog::open); this module only translates. A block may hold
//! more columns than the table names: other engines do not see those.

use delta_kernel::schema::{ArrayType, DataType, MapType, StructField, StructType};

use crate::CatalogError;

/// The column whose bounds are published, so that other engines skip blocks by time: start of the
/// span in nanoseconds since 1970, of type [`ColumnType::Long`]. A table without it has no bounds.
pub const START_TIME_COLUMN: &str = "start_unix_nanos";

/// One column of the table, or one field of a [`ColumnType::Struct`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableColumn {
    /// The name; dots are part of it.
    pub name: String,
    /// The type in the words of the Delta protocol.
    pub column_type: ColumnType,
    /// Whether values may be absent. Columns that are added to an existing table must be nullable.
    pub nullable: bool,
}

impl TableColumn {
    /// A column with these properties.
    pub fn new(name: impl Into<String>, column_type: ColumnType, nullable: bool) -> Self {
        Self { name: name.into(), column_type, nullable }
    }

    pub(crate) fn to_delta(&self) -> Result<StructField, CatalogError> {
        Ok(StructField::new(&self.name, self.column_type.to_delta()?, self.nullable))
    }
}

/// Types of the Delta protocol that blocks use. There is no unsigned type and no timestamp in
/// nanoseconds; those times are [`ColumnType::Long`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// Bytes; a Parquet fixed-length byte array is read as this type too.
    Binary,
    /// True or false.
    Boolean,
    /// Signed 8-bit number.
    Byte,
    /// Signed 16-bit number.
    Short,
    /// Signed 32-bit number.
    Integer,
    /// Signed 64-bit number.
    Long,
    /// 32-bit floating point.
    Float,
    /// 64-bit floating point.
    Double,
    /// UTF-8 text.
    String,
    /// List whose elements may be null.
    List(Box<ColumnType>),
    /// Map from text to nullable values.
    Map(Box<ColumnType>),
    /// Named fields.
    Struct(Vec<TableColumn>),
}

impl ColumnType {
    fn to_delta(&self) -> Result<DataType, CatalogError> {
        Ok(match self {
            Self::Binary => DataType::BINARY,
            Self::Boolean => DataType::BOOLEAN,
            Self::Byte => DataType::BYTE,
            Self::Short => DataType::SHORT,
            Self::Integer => DataType::INTEGER,
            Self::Long => DataType::LONG,
            Self::Float => DataType::FLOAT,
            Self::Double => DataType::DOUBLE,
            Self::String => DataType::STRING,
            Self::List(element) => ArrayType::new(element.to_delta()?, true).into(),
            Self::Map(value) => MapType::new(DataType::STRING, value.to_delta()?, true).into(),
            Self::Struct(fields) => to_delta(fields)?.into(),
        })
    }
}

/// The schema of a table with these columns.
pub(crate) fn to_delta(columns: &[TableColumn]) -> Result<StructType, CatalogError> {
    let fields = columns.iter().map(TableColumn::to_delta).collect::<Result<Vec<_>, _>>()?;
    StructType::try_new(fields).map_err(|err| CatalogError::from_kernel("build the schema", err))
}

/// The columns that `table` lacks, after checking that the others have the expected type.
///
/// Columns that only the table has are fine: a newer version added them.
pub(crate) fn missing_columns(
    table: &StructType,
    expected: &StructType,
) -> Result<Vec<StructField>, CatalogError> {
    let mut missing = Vec::new();
    for field in expected.fields() {
        let mismatch =
            |reason: String| CatalogError::SchemaMismatch { column: field.name().clone(), reason };
        match table.field(field.name()) {
            Some(existing) if existing.data_type() != field.data_type() => {
                return Err(mismatch(format!(
                    "table has type {}, this program writes {}",
                    existing.data_type(),
                    field.data_type()
                )));
            }
            Some(_) => {}
            None if field.is_nullable() => missing.push(field.clone()),
            None => return Err(mismatch("a new column must be nullable".to_owned())),
        }
    }
    Ok(missing)
}
