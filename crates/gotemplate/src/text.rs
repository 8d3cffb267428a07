//! Go strings.
//!
//! A Go string is a sequence of bytes that is usually, but not always, UTF-8: cutting a string
//! in the middle of a character or decoding base64 gives strings that are not, and templates
//! pass them on unharmed. [`Str`] is such a string; it clones without copying long contents and
//! may be shared between threads. Functions over Go strings (`trim`, `split`, …) are not here.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

/// Strings up to this many bytes are held in place; with the length and a tag byte this makes
/// three machine words, the size a reference-counted string needs anyway beside its tag.
const INLINE: usize = 22;

/// An immutable Go string: bytes, usually UTF-8.
///
/// ```
/// use gotemplate::Str;
///
/// let name = Str::from("parcel");
/// assert_eq!(name, "parcel");
/// assert_eq!(name.to_string_lossy(), "parcel");
/// assert_eq!(Str::from(vec![0xff]).as_utf8(), None);
/// ```
#[derive(Clone)]
pub struct Str(Repr);

#[derive(Clone)]
enum Repr {
    Inline(u8, [u8; INLINE]),
    Shared(Arc<[u8]>),
}

impl Str {
    /// The empty string.
    pub const EMPTY: Self = Self(Repr::Inline(0, [0; INLINE]));

    /// The bytes of the string.
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Inline(len, bytes) => &bytes[..usize::from(*len)],
            Repr::Shared(bytes) => bytes,
        }
    }

    /// The bytes that only this string holds on to.
    pub(crate) fn sole_size(&self) -> usize {
        match &self.0 {
            Repr::Shared(bytes) if Arc::strong_count(bytes) == 1 => bytes.len(),
            _ => 0,
        }
    }

    /// The text, if the bytes are valid UTF-8.
    pub fn as_utf8(&self) -> Option<&str> {
        std::str::from_utf8(self.as_bytes()).ok()
    }

    /// The text with U+FFFD in place of bytes that are not UTF-8.
    pub fn to_string_lossy(&self) -> Cow<'_, str> {
        lossy(self.as_bytes())
    }
}

/// [`String::from_utf8_lossy`], quicker where the bytes are UTF-8, as nearly all are.
pub(crate) fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

impl Deref for Str {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl AsRef<[u8]> for Str {
    fn as_ref(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Borrow<[u8]> for Str {
    fn borrow(&self) -> &[u8] {
        self.as_bytes()
    }
}

impl Default for Str {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl From<&[u8]> for Str {
    fn from(bytes: &[u8]) -> Self {
        match u8::try_from(bytes.len()) {
            Ok(len) if bytes.len() <= INLINE => {
                let mut inline = [0; INLINE];
                inline[..bytes.len()].copy_from_slice(bytes);
                Self(Repr::Inline(len, inline))
            }
            _ => Self(Repr::Shared(Arc::from(bytes))),
        }
    }
}

impl From<&str> for Str {
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes())
    }
}

impl From<&Str> for Str {
    fn from(text: &Str) -> Self {
        text.clone()
    }
}

impl From<String> for Str {
    fn from(text: String) -> Self {
        Self::from(text.as_bytes())
    }
}

impl From<&String> for Str {
    fn from(text: &String) -> Self {
        Self::from(text.as_bytes())
    }
}

/// A long text is not copied.
impl From<Arc<[u8]>> for Str {
    fn from(bytes: Arc<[u8]>) -> Self {
        if bytes.len() <= INLINE { Self::from(&*bytes) } else { Self(Repr::Shared(bytes)) }
    }
}

/// A long text is not copied.
impl From<Arc<str>> for Str {
    fn from(text: Arc<str>) -> Self {
        Self::from(Arc::<[u8]>::from(text))
    }
}

impl From<Vec<u8>> for Str {
    fn from(bytes: Vec<u8>) -> Self {
        Self::from(bytes.as_slice())
    }
}

impl From<Cow<'_, str>> for Str {
    fn from(text: Cow<'_, str>) -> Self {
        Self::from(text.as_bytes())
    }
}

impl PartialEq for Str {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Str {}

impl PartialEq<str> for Str {
    fn eq(&self, other: &str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialEq<&str> for Str {
    fn eq(&self, other: &&str) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl PartialOrd for Str {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Str {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Str {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // As a slice hashes, so that maps keyed by `Str` can be asked with `&[u8]`.
        self.as_bytes().hash(state);
    }
}

impl fmt::Display for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_string_lossy())
    }
}

impl fmt::Debug for Str {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string_lossy(), f)
    }
}
