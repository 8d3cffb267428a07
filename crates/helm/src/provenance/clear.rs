//! OpenPGP's cleartext signature framework (RFC 9580, section 7): readable text with its signature below.

const BEGIN: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const END: &str = "\n-----END PGP SIGNATURE-----";
const HASHES: [&str; 9] =
    ["MD5", "SHA1", "RIPEMD160", "SHA224", "SHA256", "SHA384", "SHA512", "SHA3-256", "SHA3-512"];

/// A clear-signed message taken apart.
pub(super) struct Message {
    /// The text, lines ending with a line feed.
    pub(super) text: String,
    /// What is signed: lines ending with carriage return and line feed, the last without.
    pub(super) canonical: Vec<u8>,
    /// The armored signature.
    pub(super) armor: String,
}

/// Takes the first clear-signed message out of a file; `None` when there is none that is whole.
pub(super) fn decode(file: &[u8]) -> Option<Message> {
    let file = std::str::from_utf8(file).ok()?;
    let at = if file.starts_with(BEGIN) { 0 } else { file.find(&format!("\n{BEGIN}"))? + 1 };
    let mut lines = Lines(&file[at + BEGIN.len()..]);
    if !lines.next()?.is_empty() {
        return None;
    }
    loop {
        let header = lines.next()?;
        if header.trim().is_empty() {
            break;
        }
        let (key, value) = header.split_once(':')?;
        let known = |hash: &str| HASHES.contains(&hash.trim().to_ascii_uppercase().as_str());
        if key.trim() != "Hash" || !value.split(',').all(known) {
            return None;
        }
    }
    let mut text = Vec::new();
    let armor = loop {
        let rest = lines.0;
        let line = lines.next()?;
        if line == SIGNATURE {
            break rest;
        }
        text.push(line.strip_prefix("- ").unwrap_or(line).trim_end_matches([' ', '\t']));
    };
    let end = armor.find(END)? + END.len();
    Some(Message {
        text: text.join("\n"),
        canonical: text.join("\r\n").into_bytes(),
        armor: armor[..end].to_owned(),
    })
}

/// The form of a text that is signed.
pub(super) fn canonical(text: &str) -> Vec<u8> {
    let lines: Vec<&str> =
        text.split('\n').map(|line| line.trim_end_matches([' ', '\t', '\r'])).collect();
    lines.join("\r\n").into_bytes()
}

/// Puts a text and its armored signature together, as Go's library writes them.
pub(super) fn encode(text: &str, signature: &str) -> String {
    let escaped: Vec<String> = text
        .split('\n')
        .map(|line| if line.starts_with('-') { format!("- {line}") } else { line.to_owned() })
        .collect();
    format!("{BEGIN}\nHash: SHA512\n\n{}\n{signature}", escaped.join("\n"))
}

/// Lines that end with a line feed, with or without a carriage return before it.
struct Lines<'a>(&'a str);

impl<'a> Iterator for Lines<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        if self.0.is_empty() {
            return None;
        }
        let (line, rest) = self.0.split_once('\n').unwrap_or((self.0, ""));
        self.0 = rest;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_comes_back_as_it_was_signed() {
        let text = "keywords:\n- a \n\n...\nfiles: {}\n";
        let file =
            encode(text, "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----");
        assert!(file.contains("\n- - a \n"), "{file}");
        let message = decode(file.as_bytes()).expect("a message");
        assert_eq!(message.text, "keywords:\n- a\n\n...\nfiles: {}\n");
        assert_eq!(message.canonical, canonical(text));
    }

    #[test]
    fn what_is_not_whole_is_no_message() {
        let whole =
            encode("a", "-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----");
        assert!(decode(whole.as_bytes()).is_some());
        for cut in 0..whole.len() {
            assert!(decode(&whole.as_bytes()[..cut]).is_none(), "{cut}");
        }
        assert!(decode(whole.replace("Hash", "Comment").as_bytes()).is_none());
        assert!(decode(whole.replace("SHA512", "CRC32").as_bytes()).is_none());
    }
}
