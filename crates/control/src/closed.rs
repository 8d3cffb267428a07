//! Closed sets of words: one macro that gives an enum its text in rows, JSON and messages.
//!
//! The words are part of the API and of stored rows: they may be added to, never renamed.

/// A stored or given word that is not of the set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{input}` is not one of {allowed}")]
pub struct UnknownWord {
    /// The word as found.
    pub input: String,
    /// The words of the set, listed.
    pub allowed: String,
}

macro_rules! closed_set {
    ($(#[$doc:meta])* $vis:vis enum $name:ident { $($(#[$item_doc:meta])* $item:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[derive(serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
        $vis enum $name {
            $($(#[$item_doc])* #[serde(rename = $word)] $item,)+
        }

        impl $name {
            /// Every word of the set, in order.
            $vis const ALL: &'static [Self] = &[$(Self::$item),+];

            /// The word as stored, and as the API writes it.
            $vis const fn as_str(self) -> &'static str {
                match self { $(Self::$item => $word),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::closed::UnknownWord;

            fn from_str(input: &str) -> Result<Self, Self::Err> {
                Self::ALL.iter().copied().find(|word| word.as_str() == input).ok_or_else(|| {
                    let allowed: Vec<&str> = Self::ALL.iter().map(|word| word.as_str()).collect();
                    $crate::closed::UnknownWord { input: input.to_owned(), allowed: allowed.join(", ") }
                })
            }
        }
    };
}
pub(crate) use closed_set;
