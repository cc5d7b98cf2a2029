//! Protobuf that is looked through before it is decoded: which messages it holds, and how many.

/// A part of a protobuf message that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("invalid protobuf")]
pub struct FieldsError;

/// The length-delimited fields of a message, in their order; others are passed over.
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Looks through `message`.
    pub fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    fn next_field(&mut self) -> Result<Option<(u32, &'a [u8])>, FieldsError> {
        while !self.rest.is_empty() {
            let key = self.varint()?;
            let number = u32::try_from(key >> 3).map_err(|_| FieldsError)?;
            match key & 7 {
                0 => {
                    self.varint()?;
                }
                1 => {
                    self.bytes(8)?;
                }
                2 => {
                    let length = self.varint()?;
                    let length = usize::try_from(length).map_err(|_| FieldsError)?;
                    return Ok(Some((number, self.bytes(length)?)));
                }
                5 => {
                    self.bytes(4)?;
                }
                // Groups: nobody has written one for ten years.
                _ => return Err(FieldsError),
            }
        }
        Ok(None)
    }

    fn varint(&mut self) -> Result<u64, FieldsError> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = *self.bytes(1)?.first().ok_or(FieldsError)?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(FieldsError)
    }

    fn bytes(&mut self, length: usize) -> Result<&'a [u8], FieldsError> {
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(FieldsError)?;
        self.rest = rest;
        Ok(bytes)
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u32, &'a [u8]), FieldsError>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.next_field().transpose();
        if matches!(next, Some(Err(_))) {
            self.rest = &[];
        }
        next
    }
}

/// Which fields of a message are messages themselves.
#[derive(Debug)]
pub struct Shape(pub &'static [(u32, &'static Shape)]);

/// How many messages lie in `message`, itself not counted; of a broken one, those before the fault.
pub fn count_messages(message: &[u8], shape: &Shape) -> usize {
    let mut total = 0;
    for (number, bytes) in Fields::new(message).map_while(Result::ok) {
        if let Some((_, inner)) = shape.0.iter().find(|(known, _)| *known == number) {
            total += 1 + count_messages(bytes, inner);
        }
    }
    total
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAF: Shape = Shape(&[]);
    const NODE: Shape = Shape(&[(2, &LEAF)]);
    const ROOT: Shape = Shape(&[(1, &NODE)]);

    #[test]
    fn messages_are_counted_by_their_shape() {
        // Node of two leaves and a text, an integer, a node without leaves, a text.
        let message = [0x0a, 6, 0x12, 0, 0x12, 0, 0x1a, 0, 0x10, 0x96, 1, 0x0a, 0, 0x12, 1, b'x'];
        assert_eq!(count_messages(&message, &ROOT), 4);
        assert_eq!(count_messages(&message[..3], &ROOT), 0);
    }

    #[test]
    fn broken_ones_end() {
        let too_long = [0x0a, 2, b'x'];
        let no_varint = [0xff; 11];
        let group = [0x0b, 0x0c];
        for message in [&too_long[..], &no_varint, &group] {
            assert_eq!(Fields::new(message).collect::<Vec<_>>(), [Err(FieldsError)]);
        }
    }
}
