//! Tar streams of plain files, byte for byte as Go's `archive/tar` writes them.
//!
//! Go picks the oldest form that holds a file: ustar, with long paths split between its two
//! fields, else a PAX record for the path in front of it. Crate `tar` would write GNU records.

const BLOCK: usize = 512;
const NAME: usize = 100;
const PREFIX: usize = 155;

/// Writes files one after another into memory.
#[derive(Default)]
pub(super) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    /// Adds a file of mode 0644 with no owner; `modified` is in seconds since 1970.
    pub(super) fn file(&mut self, name: &str, data: &[u8], modified: u64) {
        match split(name) {
            Some((prefix, name)) => self.header(name, prefix, b'0', 0o644, data.len(), modified),
            None => {
                self.path_record(name);
                let name = shortened(name, NAME);
                self.header(&name, "", b'0', 0o644, data.len(), modified);
            }
        }
        self.content(data);
    }

    /// The stream with its end mark.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.out.resize(self.out.len() + 2 * BLOCK, 0);
        self.out
    }

    fn path_record(&mut self, path: &str) {
        let record = record("path", path);
        let (folder, base) = path.rsplit_once('/').map_or(("", path), |(f, b)| (f, b));
        let name = if folder.is_empty() {
            format!("PaxHeaders.0/{base}")
        } else {
            format!("{folder}/PaxHeaders.0/{base}")
        };
        let name = shortened(&name, NAME);
        let start = self.out.len();
        self.header(name.trim_end_matches('/'), "", b'x', 0, record.len(), 0);
        // Go leaves the device numbers of such a header blank.
        self.out[start + 329..start + 345].fill(0);
        checksum(&mut self.out[start..start + BLOCK]);
        self.content(record.as_bytes());
    }

    fn header(&mut self, name: &str, prefix: &str, kind: u8, mode: u64, size: usize, time: u64) {
        let mut block = [0; BLOCK];
        put(&mut block[..NAME], name);
        put(&mut block[100..108], &format!("{mode:07o}"));
        put(&mut block[108..116], "0000000");
        put(&mut block[116..124], "0000000");
        put(&mut block[124..136], &format!("{size:011o}"));
        put(&mut block[136..148], &format!("{time:011o}"));
        block[156] = kind;
        put(&mut block[257..263], "ustar");
        put(&mut block[263..265], "00");
        put(&mut block[329..337], "0000000");
        put(&mut block[337..345], "0000000");
        put(&mut block[345..500], prefix);
        checksum(&mut block);
        self.out.extend_from_slice(&block);
    }

    fn content(&mut self, data: &[u8]) {
        self.out.extend_from_slice(data);
        self.out.resize(self.out.len().next_multiple_of(BLOCK), 0);
    }
}

fn put(field: &mut [u8], text: &str) {
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text.as_bytes()[..length]);
}

/// The sum of a header's bytes, its own field counted as blanks.
fn checksum(block: &mut [u8]) {
    block[148..156].fill(b' ');
    let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
    put(&mut block[148..154], &format!("{sum:06o}"));
    block[154] = 0;
}

/// Prefix and name of a path that fits a ustar header.
fn split(path: &str) -> Option<(&str, &str)> {
    if !path.is_ascii() {
        return None;
    }
    if path.len() <= NAME {
        return Some(("", path));
    }
    let at = path[..path.len().min(PREFIX + 1)].rfind('/')?;
    let name = &path[at + 1..];
    (at > 0 && !name.is_empty() && name.len() <= NAME).then(|| (&path[..at], name))
}

/// What is left of a path in a field that cannot hold it.
fn shortened(path: &str, length: usize) -> String {
    let mut ascii: String = path.chars().filter(char::is_ascii).collect();
    if ascii.len() > length {
        ascii.truncate(length);
        ascii.truncate(ascii.trim_end_matches('/').len());
    }
    ascii
}

/// A PAX record, which begins with its own length.
fn record(key: &str, value: &str) -> String {
    // Blank, `=` and the line end.
    let rest = key.len() + value.len() + 3;
    let mut length = rest + rest.to_string().len();
    if length.to_string().len() != rest.to_string().len() {
        length = rest + length.to_string().len();
    }
    format!("{length} {key}={value}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Short, split and recorded paths all come back from a reader that knows the format.
    #[test]
    fn round_trip() {
        let long = format!("c/{}end", "d/".repeat(70));
        let longest = format!("c/{}", "n".repeat(120));
        let names = ["c/Chart.yaml", &long, &longest, "c/ü.txt"];
        let mut writer = Writer::default();
        for name in names {
            writer.file(name, name.as_bytes(), 1_700_000_000);
        }
        let bytes = writer.finish();
        let mut archive = ::tar::Archive::new(bytes.as_slice());
        let read: Vec<String> = archive
            .entries()
            .unwrap()
            .map(|entry| entry.unwrap().path().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(read, names);
    }

    /// The length of a record counts its own digits.
    #[test]
    fn record_lengths() {
        assert_eq!(record("path", "a"), "9 path=a\n");
        assert_eq!(record("a", "b"), "6 a=b\n");
        let record = record("path", &"x".repeat(90));
        assert_eq!(record.len(), record.split(' ').next().unwrap().parse::<usize>().unwrap());
    }
}
