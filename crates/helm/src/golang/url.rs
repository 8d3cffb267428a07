//! Go's `net/url`: reading and writing URLs as `urlParse` and `urlJoin` show them.
//!
//! Crate `url` follows the rules of browsers, which refuse and rewrite much of what Go accepts.

use gotemplate::print::quote;

/// The parts of a URL, decoded where Go decodes them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) scheme: Vec<u8>,
    pub(crate) opaque: Vec<u8>,
    pub(crate) user: Option<UserInfo>,
    pub(crate) host: Vec<u8>,
    pub(crate) path: Vec<u8>,
    pub(crate) query: Vec<u8>,
    pub(crate) fragment: Vec<u8>,
}

/// Name and password before the host, decoded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct UserInfo {
    name: Vec<u8>,
    password: Option<Vec<u8>>,
}

/// Why a text is no URL; prints Go's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("parse {}: {problem}", quote(url))]
pub(crate) struct UrlError {
    url: Vec<u8>,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
enum Problem {
    #[error("net/url: invalid control character in URL")]
    ControlCharacter,
    #[error("missing protocol scheme")]
    MissingScheme,
    #[error("first path segment in URL cannot contain colon")]
    ColonInFirstSegment,
    #[error("net/url: invalid userinfo")]
    UserInfo,
    #[error("missing ']' in host")]
    MissingBracket,
    #[error("invalid IP-literal")]
    IpLiteral,
    #[error("invalid host: ParseAddr({}): unable to parse IP", quote(.0))]
    Host(Vec<u8>),
    #[error("invalid port {} after host", quote(.0))]
    Port(Vec<u8>),
    #[error("invalid URL escape {}", quote(.0))]
    Escape(Vec<u8>),
    #[error("invalid character {} in host name", quote(.0))]
    HostCharacter(Vec<u8>),
}

/// The part of a URL being encoded or decoded; each allows other characters bare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    UserPassword,
    Host,
    Zone,
    Fragment,
}

impl Url {
    /// Reads a URL or a relative reference.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, UrlError> {
        let (main, fragment) = cut(text, b'#');
        let error = |url: &[u8], problem| UrlError { url: url.to_vec(), problem };
        let mut url = parse_main(main).map_err(|problem| error(main, problem))?;
        let fragment = fragment.unwrap_or_default();
        url.fragment =
            unescape(fragment, Part::Fragment).map_err(|problem| error(text, problem))?;
        Ok(url)
    }

    /// The host without port and brackets.
    pub(crate) fn host_name(&self) -> &[u8] {
        let end = self.host.iter().rposition(|byte| *byte == b':');
        let without_port = match end {
            Some(end) if is_optional_port(&self.host[end..]) => &self.host[..end],
            _ => &self.host,
        };
        let inside = without_port.strip_prefix(b"[").and_then(|rest| rest.strip_suffix(b"]"));
        inside.unwrap_or(without_port)
    }

    /// Writes the URL.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if !self.scheme.is_empty() {
            out.extend_from_slice(&self.scheme);
            out.push(b':');
        }
        if self.opaque.is_empty() {
            self.write_hierarchy(&mut out);
        } else {
            out.extend_from_slice(&self.opaque);
        }
        if !self.query.is_empty() {
            out.push(b'?');
            out.extend_from_slice(&self.query);
        }
        if !self.fragment.is_empty() {
            out.push(b'#');
            escape_into(&self.fragment, Part::Fragment, &mut out);
        }
        out
    }

    fn write_hierarchy(&self, out: &mut Vec<u8>) {
        if !self.scheme.is_empty() || !self.host.is_empty() || self.user.is_some() {
            if !self.host.is_empty() || !self.path.is_empty() || self.user.is_some() {
                out.extend_from_slice(b"//");
            }
            if let Some(user) = &self.user {
                out.extend_from_slice(&user.to_bytes());
                out.push(b'@');
            }
            escape_into(&self.host, Part::Host, out);
        }
        if !self.path.is_empty() && !self.path.starts_with(b"/") && !self.host.is_empty() {
            out.push(b'/');
        }
        let (first_segment, _) = cut(&self.path, b'/');
        if out.is_empty() && first_segment.contains(&b':') {
            out.extend_from_slice(b"./"); // or the segment would be read as a scheme
        }
        if self.path == b"*" {
            out.push(b'*');
        } else {
            escape_into(&self.path, Part::Path, out);
        }
    }
}

impl UserInfo {
    /// `name:password`, encoded.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        escape_into(&self.name, Part::UserPassword, &mut out);
        if let Some(password) = &self.password {
            out.push(b':');
            escape_into(password, Part::UserPassword, &mut out);
        }
        out
    }
}

fn parse_main(text: &[u8]) -> Result<Url, Problem> {
    if text.iter().any(|byte| *byte < b' ' || *byte == 0x7F) {
        return Err(Problem::ControlCharacter);
    }
    let mut url = Url::default();
    if text == b"*" {
        url.path = b"*".to_vec();
        return Ok(url);
    }
    let (scheme, rest) = split_scheme(text)?;
    url.scheme = scheme.to_ascii_lowercase();
    let (mut rest, query) = cut(rest, b'?');
    url.query = query.unwrap_or_default().to_vec();
    if !rest.starts_with(b"/") {
        if !url.scheme.is_empty() {
            url.opaque = rest.to_vec();
            return Ok(url);
        }
        if cut(rest, b'/').0.contains(&b':') {
            return Err(Problem::ColonInFirstSegment);
        }
    }
    if rest.starts_with(b"//") && (!url.scheme.is_empty() || !rest.starts_with(b"///")) {
        let end = rest[2..].iter().position(|byte| *byte == b'/').map_or(rest.len(), |i| i + 2);
        (url.user, url.host) = parse_authority(&url.scheme, &rest[2..end])?;
        rest = &rest[end..];
    }
    url.path = unescape(rest, Part::Path)?;
    Ok(url)
}

/// The text before the first `separator` and, if there is one, the text after it.
fn cut(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().position(|byte| *byte == separator) {
        Some(index) => (&text[..index], Some(&text[index + 1..])),
        None => (text, None),
    }
}

fn split_scheme(text: &[u8]) -> Result<(&[u8], &[u8]), Problem> {
    for (index, byte) in text.iter().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if index > 0 => {}
            b':' if index == 0 => return Err(Problem::MissingScheme),
            b':' => return Ok((&text[..index], &text[index + 1..])),
            _ => break,
        }
    }
    Ok((b"", text))
}

fn parse_authority(scheme: &[u8], text: &[u8]) -> Result<(Option<UserInfo>, Vec<u8>), Problem> {
    let Some(at) = text.iter().rposition(|byte| *byte == b'@') else {
        return Ok((None, parse_host(scheme, text)?));
    };
    let host = parse_host(scheme, &text[at + 1..])?;
    let info = &text[..at];
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(byte);
    if !info.iter().all(allowed) {
        return Err(Problem::UserInfo);
    }
    let (name, password) = cut(info, b':');
    let name = unescape(name, Part::UserPassword)?;
    let password = password.map(|text| unescape(text, Part::UserPassword)).transpose()?;
    Ok((Some(UserInfo { name, password }), host))
}

fn parse_host(scheme: &[u8], text: &[u8]) -> Result<Vec<u8>, Problem> {
    match text.iter().rposition(|byte| *byte == b'[') {
        Some(0) => return parse_ip_literal(text),
        Some(_) => return Err(Problem::IpLiteral),
        None => {}
    }
    // Other schemes may list several hosts with ports; only the last colon counts there.
    let strict = scheme == b"http" || scheme == b"https";
    let colon = if strict {
        text.iter().position(|byte| *byte == b':')
    } else {
        text.iter().rposition(|byte| *byte == b':')
    };
    if let Some(colon) = colon
        && !is_optional_port(&text[colon..])
    {
        return Err(Problem::Port(text[colon..].to_vec()));
    }
    unescape(text, Part::Host)
}

/// `[address%25zone]:port`.
fn parse_ip_literal(text: &[u8]) -> Result<Vec<u8>, Problem> {
    let close = text.iter().rposition(|byte| *byte == b']').ok_or(Problem::MissingBracket)?;
    let (name, port) = (&text[1..close], &text[close + 1..]);
    if !is_optional_port(port) {
        return Err(Problem::Port(port.to_vec()));
    }
    let zone = name.windows(3).position(|window| window == b"%25").unwrap_or(name.len());
    let mut host = unescape(&name[..zone], Part::Host)?;
    let address = host.clone();
    host.extend(unescape(&name[zone..], Part::Zone)?);
    let parsed: Option<std::net::IpAddr> =
        std::str::from_utf8(&address).ok().and_then(|address| address.parse().ok());
    match parsed {
        Some(std::net::IpAddr::V6(_)) => Ok([b"[".as_slice(), &host, b"]", port].concat()),
        Some(std::net::IpAddr::V4(_)) => Err(Problem::IpLiteral),
        None => Err(Problem::Host(host)),
    }
}

fn is_optional_port(text: &[u8]) -> bool {
    text.is_empty() || text[0] == b':' && text[1..].iter().all(u8::is_ascii_digit)
}

fn unescape(text: &[u8], part: Part) -> Result<Vec<u8>, Problem> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        let in_host = matches!(part, Part::Host | Part::Zone);
        if *first != b'%' {
            if in_host && first.is_ascii() && must_escape(*first, part) {
                return Err(Problem::HostCharacter(vec![*first]));
            }
            out.push(*first);
            rest = after;
            continue;
        }
        let refused = || Problem::Escape(rest[..rest.len().min(3)].to_vec());
        let digit = |index: usize| after.get(index).and_then(|b| char::from(*b).to_digit(16));
        let (Some(high), Some(low)) = (digit(0), digit(1)) else { return Err(refused()) };
        let byte = u8::try_from(high * 16 + low).unwrap_or_default();
        // In hosts only bytes outside ASCII may be encoded, and the percent sign of a zone.
        let bad_in_host = part == Part::Host && high < 8 && byte != b'%';
        let bad_in_zone =
            part == Part::Zone && byte != b'%' && byte != b' ' && must_escape(byte, Part::Host);
        if bad_in_host || bad_in_zone {
            return Err(refused());
        }
        out.push(byte);
        rest = &after[2..];
    }
    Ok(out)
}

fn escape_into(text: &[u8], part: Part, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text {
        if must_escape(*byte, part) {
            out.push(b'%');
            out.push(HEX[usize::from(byte >> 4)]);
            out.push(HEX[usize::from(byte & 15)]);
        } else {
            out.push(*byte);
        }
    }
}

/// RFC 3986 with Go's leniency, part by part.
fn must_escape(byte: u8, part: Part) -> bool {
    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        return false;
    }
    let bare: &[u8] = match part {
        Part::Path => b"$&+,/:;=@",
        Part::UserPassword => b"$&+,;=",
        Part::Host | Part::Zone => b"!$&'()*+,;=:[]<>\"",
        Part::Fragment => b"$&+,/:;=@?!()*",
    };
    !bare.contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> String {
        let url = Url::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
        let user = url.user.as_ref().map(UserInfo::to_bytes).unwrap_or_default();
        let show = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        [
            &url.scheme,
            &url.opaque,
            &user,
            &url.host,
            url.host_name(),
            &url.path,
            &url.query,
            &url.fragment,
        ]
        .map(show)
        .join("|")
    }

    /// The parts of URLs, relative references and opaque forms.
    #[test]
    fn reading() {
        for (text, expected) in [
            ("http://u:p@h:8/p?q=1#f", "http||u:p|h:8|h|/p|q=1|f"),
            ("HTTPS://[::1]:80/%41%2f", "https|||[::1]:80|::1|/A/||"),
            ("mailto:a@b", "mailto|a@b||||||"),
            ("/a b?c", "|||||/a b|c|"),
            ("//host/x", "|||host|host|/x||"),
            ("postgres://a:1,b:2/db", "postgres|||a:1,b:2|a:1,b|/db||"),
            ("", "|||||||"),
            ("*", "|||||*||"),
        ] {
            assert_eq!(parts(text), expected, "{text}");
        }
    }

    /// What Go refuses, in its words.
    #[test]
    fn refusals() {
        for (text, error) in [
            (":x", "parse \":x\": missing protocol scheme"),
            ("a:b/c", ""),
            ("1:b", "parse \"1:b\": first path segment in URL cannot contain colon"),
            ("http://h:x/", "parse \"http://h:x/\": invalid port \":x\" after host"),
            ("http://a b/", "parse \"http://a b/\": invalid character \" \" in host name"),
            ("/%zz", "parse \"/%zz\": invalid URL escape \"%zz\""),
            ("http://[::1", "parse \"http://[::1\": missing ']' in host"),
            ("http://a:1:2/", "parse \"http://a:1:2/\": invalid port \":1:2\" after host"),
            ("\u{1}", "parse \"\\x01\": net/url: invalid control character in URL"),
        ] {
            let result = Url::parse(text.as_bytes()).err().map(|e| e.to_string());
            assert_eq!(result.unwrap_or_default(), error);
        }
    }

    /// Writing encodes what the part does not allow bare.
    #[test]
    fn writing() {
        let url = Url {
            scheme: b"s".to_vec(),
            host: b"h".to_vec(),
            path: "p q/é".as_bytes().to_vec(),
            query: b"a=b c".to_vec(),
            fragment: b"x y".to_vec(),
            ..Url::default()
        };
        assert_eq!(url.to_bytes(), b"s://h/p%20q/%C3%A9?a=b c#x%20y");
        let relative = Url { path: b"a:b".to_vec(), ..Url::default() };
        assert_eq!(relative.to_bytes(), b"./a:b");
    }
}
