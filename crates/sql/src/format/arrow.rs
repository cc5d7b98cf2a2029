//! The streaming format of Arrow IPC.

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::error::ArrowError;
use datafusion::arrow::ipc::writer::StreamWriter;

/// Writes messages.
pub(super) struct ArrowWriter(StreamWriter<Vec<u8>>);

impl ArrowWriter {
    /// The writer, and the message with the schema.
    pub(super) fn start(schema: &SchemaRef) -> Result<(Self, Vec<u8>), ArrowError> {
        let mut writer = Self(StreamWriter::try_new(Vec::new(), schema)?);
        let head = writer.taken();
        Ok((writer, head))
    }

    pub(super) fn rows(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        self.0.write(batch)?;
        Ok(self.taken())
    }

    pub(super) fn end(&mut self) -> Result<Vec<u8>, ArrowError> {
        self.0.finish()?;
        Ok(self.taken())
    }

    fn taken(&mut self) -> Vec<u8> {
        std::mem::take(self.0.get_mut())
    }
}
