//! Real quotes from a CSV or CSV.gz file.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::{HEADER, Quote};
use crate::Error;

/// A quotes file, read line by line, never whole.
pub struct QuoteFile {
    path: PathBuf,
    lines: Box<dyn BufRead + Send>,
    line: u64,
    text: String,
}

/// Longer than any quote: a file without line feeds must not fill the memory.
const MAX_LINE_BYTES: u64 = 4096;

impl QuoteFile {
    /// Opens it and checks its header. A name that ends in `.gz` is decompressed.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| Error::file(path, source))?;
        let lines: Box<dyn BufRead + Send> = if path.extension().is_some_and(|end| end == "gz") {
            Box::new(BufReader::new(MultiGzDecoder::new(file)))
        } else {
            Box::new(BufReader::new(file))
        };
        let mut quotes = Self { path: path.to_owned(), lines, line: 0, text: String::new() };
        let found = quotes.read_line()?;
        if found && quotes.text.trim_start_matches('\u{feff}').trim_end() == HEADER {
            Ok(quotes)
        } else {
            Err(quotes.problem(format!("the first line is not `{HEADER}`")))
        }
    }

    /// Reads the whole file once: every line must be usable. Answers the symbols it holds.
    pub fn check(path: &Path) -> Result<BTreeSet<String>, Error> {
        let mut quotes = Self::open(path)?;
        let mut symbols = BTreeSet::new();
        while let Some(quote) = quotes.read()? {
            if !symbols.contains(&quote.symbol) {
                symbols.insert(quote.symbol);
            }
        }
        if symbols.is_empty() { Err(quotes.problem("there is no quote in it")) } else { Ok(symbols) }
    }

    /// The next quote; `None` at the end.
    pub fn read(&mut self) -> Result<Option<Quote>, Error> {
        while self.read_line()? {
            if self.text.trim().is_empty() {
                continue;
            }
            return Quote::from_line(&self.text).map(Some).map_err(|problem| self.problem(problem));
        }
        Ok(None)
    }

    fn read_line(&mut self) -> Result<bool, Error> {
        self.text.clear();
        self.line += 1;
        let read = self.lines.by_ref().take(MAX_LINE_BYTES).read_line(&mut self.text);
        let len_bytes = read.map_err(|source| self.problem(source.to_string()))?;
        if len_bytes as u64 == MAX_LINE_BYTES {
            return Err(self.problem("the line is too long"));
        }
        Ok(len_bytes > 0)
    }

    fn problem(&self, problem: impl Into<String>) -> Error {
        Error::QuoteLine { path: self.path.clone(), line: self.line, problem: problem.into() }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn file(name: &str, content: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        (dir, path)
    }

    #[test]
    fn plain_and_compressed_files_read_alike() {
        let text = format!("{HEADER}\n1,A,1,1,2,1\n\n2,B,,,2,1\n");
        let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
        gz.write_all(text.as_bytes()).unwrap();
        for (name, bytes) in [("q.csv", text.clone().into_bytes()), ("q.csv.gz", gz.finish().unwrap())] {
            let (_dir, path) = file(name, &bytes);
            let symbols: Vec<String> = QuoteFile::check(&path).unwrap().into_iter().collect();
            assert_eq!(symbols, ["A", "B"]);
        }
    }

    #[test]
    fn errors_name_file_and_line() {
        let (_dir, path) = file("q.csv", format!("{HEADER}\n1,A,1,1,2,1\n1,A,x,1,2,1\n").as_bytes());
        let error = QuoteFile::check(&path).unwrap_err().to_string();
        assert!(error.contains("q.csv:3: bid `x`"), "{error}");
    }

    #[test]
    fn other_files_are_refused() {
        for content in [&b""[..], b"a,b,c\n", b"\xff\xfe", HEADER.as_bytes(), &[b'x'; 10_000]] {
            let (_dir, path) = file("q.csv", content);
            assert!(matches!(QuoteFile::check(&path), Err(Error::QuoteLine { .. })));
        }
        let (_dir, path) = file("q.csv.gz", b"not gzip");
        assert!(matches!(QuoteFile::check(&path), Err(Error::QuoteLine { line: 1, .. })));
        assert!(matches!(QuoteFile::check(Path::new("/no/such")), Err(Error::File { .. })));
    }
}
