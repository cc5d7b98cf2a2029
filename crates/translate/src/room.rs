//! Memory that is asked for before it is taken.

/// What is asked for at once at least, so that the budget behind is not asked for every span.
const STEP_BYTES: usize = 64 << 10;

/// There is no memory left for a translation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no room for the translated spans")]
pub struct NoRoom;

/// The memory of one translation, granted in steps by its owner.
pub struct Room<'a> {
    grant: &'a mut (dyn FnMut(usize) -> bool + 'a),
    left: usize,
}

impl<'a> Room<'a> {
    /// A room that grows as long as `grant` says yes to so many bytes more.
    pub fn new(grant: &'a mut (dyn FnMut(usize) -> bool + 'a)) -> Self {
        Self { grant, left: 0 }
    }

    /// Takes `bytes`; they are never given back before the translation ends.
    ///
    /// # Errors
    /// [`NoRoom`] when the owner grants no more.
    pub fn take(&mut self, bytes: usize) -> Result<(), NoRoom> {
        if bytes > self.left {
            let step = (bytes - self.left).max(STEP_BYTES);
            if !(self.grant)(step) {
                return Err(NoRoom);
            }
            self.left = self.left.saturating_add(step);
        }
        self.left -= bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_asked_for_in_steps_and_refused_when_its_owner_refuses() {
        let mut granted = Vec::new();
        let mut grant = |bytes| {
            granted.push(bytes);
            granted.len() < 3
        };
        let mut room = Room::new(&mut grant);
        assert_eq!(room.take(0), Ok(()));
        assert_eq!(room.take(STEP_BYTES - 1), Ok(()));
        assert_eq!(room.take(1), Ok(()));
        assert_eq!(room.take(3 * STEP_BYTES), Ok(()));
        assert_eq!(room.take(1), Err(NoRoom));
        assert_eq!(granted, [STEP_BYTES, 3 * STEP_BYTES, STEP_BYTES]);
    }
}
