//! Frames: a little-endian `u32` of the content's length in bytes, then the content, UTF-8 JSON.
//!
//! ```text
//!  0        4                4 + len
//!  ┌────────┬────────────────┐
//!  │ len LE │ JSON, len bytes│ next frame ...
//!  └────────┴────────────────┘
//! ```

use serde::Serialize;

/// The longest content of a frame, in bytes.
pub const MAX_FRAME_BYTES: usize = 1 << 20;
const HEADER_BYTES: usize = 4;

/// Why there is no frame.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The other side announced, or we tried to send, more than [`MAX_FRAME_BYTES`]. The stream cannot be followed
    /// any further.
    #[error("a frame of {len_bytes} bytes; at most {MAX_FRAME_BYTES} are allowed")]
    TooLarge {
        /// What was announced.
        len_bytes: usize,
    },
    /// The message could not be written as JSON.
    #[error("the message cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Appends a message as one frame. On an error nothing is appended.
pub fn append_frame<T: Serialize>(out: &mut Vec<u8>, message: &T) -> Result<(), FrameError> {
    let start = out.len();
    let result = append_content(out, start, message);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

fn append_content<T: Serialize>(out: &mut Vec<u8>, start: usize, message: &T) -> Result<(), FrameError> {
    out.extend_from_slice(&[0; HEADER_BYTES]);
    serde_json::to_writer(&mut *out, message)?;
    let len_bytes = out.len() - start - HEADER_BYTES;
    let header = u32::try_from(len_bytes).ok().filter(|_| len_bytes <= MAX_FRAME_BYTES);
    let header = header.ok_or(FrameError::TooLarge { len_bytes })?;
    if let Some(slot) = out.get_mut(start..start + HEADER_BYTES) {
        slot.copy_from_slice(&header.to_le_bytes());
    }
    Ok(())
}

/// Bytes that came in, cut into frames.
#[derive(Debug, Default)]
pub struct FrameBuffer {
    bytes: Vec<u8>,
    read: usize,
}

impl FrameBuffer {
    /// Takes in what was received.
    pub fn extend(&mut self, received: &[u8]) {
        if self.read > 0 {
            self.bytes.drain(..self.read);
            self.read = 0;
        }
        self.bytes.extend_from_slice(received);
    }

    /// The content of the next whole frame; `None` where more bytes are needed.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, FrameError> {
        let rest = self.bytes.get(self.read..).unwrap_or(&[]);
        let Some(header) = rest.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
        let len_bytes = usize::try_from(u32::from_le_bytes(*header)).unwrap_or(usize::MAX);
        if len_bytes > MAX_FRAME_BYTES {
            return Err(FrameError::TooLarge { len_bytes });
        }
        let start = self.read + HEADER_BYTES;
        if self.bytes.len() < start + len_bytes {
            return Ok(None);
        }
        self.read = start + len_bytes;
        Ok(self.bytes.get(start..self.read))
    }

    /// True where nothing of an unfinished frame is held: the other side may hang up without loss.
    pub fn is_empty(&self) -> bool {
        self.read == self.bytes.len()
    }
}
