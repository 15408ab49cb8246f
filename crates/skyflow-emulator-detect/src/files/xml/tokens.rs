use std::ops::Range;

use crate::files::FileProblem;

/// How deep elements may be nested; nothing that people write comes near.
const DEPTH_LIMIT: usize = 1000;

/// How many tags, texts and attributes a document may have: each needs many times the bytes it is written in.
const TOKENS_LIMIT: usize = 2_000_000;

/// A token of an XML document; ranges are bytes of its source.
#[derive(Debug, Clone)]
pub(crate) enum Token {
    /// A start tag, or the only tag of an empty element.
    Start { tag: Range<usize>, name: Range<usize>, attributes: Vec<Attribute>, empty: bool },
    /// An end tag.
    End { tag: Range<usize>, name: Range<usize> },
    /// Characters and references between tags.
    Text(Range<usize>),
    /// The characters of a CDATA section, without its brackets.
    CharacterData(Range<usize>),
    /// A comment, without its dashes.
    Comment(Range<usize>),
    /// What follows the target of a processing instruction.
    Instruction(Range<usize>),
    /// What follows `<!DOCTYPE`.
    DocumentType(Range<usize>),
}

#[derive(Debug, Clone)]
pub(crate) struct Attribute {
    pub(crate) name: Range<usize>,
    /// The value without its quotes.
    pub(crate) value: Range<usize>,
}

/// Returns the part of a name behind its prefix.
pub(crate) fn local(name: &str) -> &str {
    name.rsplit_once(':').map_or(name, |(_, local)| local)
}

/// Splits a document into its tokens.
pub(crate) fn tokens(source: &str) -> Result<Vec<Token>, FileProblem> {
    Tokenizer { source, at: 0, open: Vec::new(), tokens: Vec::new(), left: TOKENS_LIMIT }.run()
}

struct Tokenizer<'a> {
    source: &'a str,
    at: usize,
    /// The names of the elements around.
    open: Vec<Range<usize>>,
    tokens: Vec<Token>,
    left: usize,
}

impl<'a> Tokenizer<'a> {
    fn run(mut self) -> Result<Vec<Token>, FileProblem> {
        let mut roots = 0;
        while self.at < self.source.len() {
            self.count()?;
            let start = self.at;
            let rest = self.rest();
            if !rest.starts_with('<') {
                let end = start + rest.find('<').unwrap_or(rest.len());
                let is_space = rest.get(..end - start).is_some_and(|text| text.trim().is_empty());
                if self.open.is_empty() && !is_space {
                    return Err(self.broken("characters outside of the root element"));
                }
                self.tokens.push(Token::Text(start..end));
                self.at = end;
            } else if let Some(comment) = self.enclosed("<!--", "-->")? {
                self.tokens.push(Token::Comment(comment));
            } else if let Some(characters) = self.enclosed("<![CDATA[", "]]>")? {
                self.tokens.push(Token::CharacterData(characters));
            } else if let Some(instruction) = self.enclosed("<?", "?>")? {
                let text = self.source.get(instruction.clone()).unwrap_or_default();
                let target = text.find(char::is_whitespace).unwrap_or(text.len());
                if text.get(..target) != Some("xml") {
                    self.tokens.push(Token::Instruction(instruction.start + target..instruction.end));
                }
            } else if rest.starts_with("<!DOCTYPE") {
                let doctype = self.enclosed("<!DOCTYPE", ">")?.unwrap_or_default();
                if self.source.get(doctype.clone()).is_some_and(|text| text.contains('[')) {
                    return Err(FileProblem::unsupported(
                        "the embedded vault does not process XML whose DOCTYPE declares entities",
                    ));
                }
                self.tokens.push(Token::DocumentType(doctype));
            } else if rest.starts_with("</") {
                self.end_tag()?;
            } else {
                roots += usize::from(self.open.is_empty());
                self.start_tag()?;
            }
        }
        if !self.open.is_empty() || roots != 1 {
            return Err(self.broken("no end of the root element"));
        }
        Ok(self.tokens)
    }

    fn count(&mut self) -> Result<(), FileProblem> {
        self.left = self.left.checked_sub(1).ok_or_else(|| {
            FileProblem::too_large(format!(
                "the file has more than {TOKENS_LIMIT} XML tags, texts and attributes"
            ))
        })?;
        Ok(())
    }

    fn rest(&self) -> &'a str {
        self.source.get(self.at..).unwrap_or_default()
    }

    fn broken(&self, what: &str) -> FileProblem {
        let line = self.source.get(..self.at).unwrap_or_default().matches('\n').count() + 1;
        FileProblem::broken(format!("the file is not well-formed XML: {what}, line {line}"))
    }

    /// Reads something between two marks and returns what is between them.
    fn enclosed(&mut self, start: &str, end: &str) -> Result<Option<Range<usize>>, FileProblem> {
        let Some(after) = self.rest().strip_prefix(start) else { return Ok(None) };
        let Some(length) = after.find(end) else { return Err(self.broken("something has no end")) };
        let from = self.at + start.len();
        self.at = from + length + end.len();
        Ok(Some(from..from + length))
    }

    fn name(&mut self) -> Result<Range<usize>, FileProblem> {
        let rest = self.rest();
        let is_end = |character: char| character.is_whitespace() || "/>=<\"'&".contains(character);
        let length = rest.find(is_end).unwrap_or(rest.len());
        if length == 0 {
            return Err(self.broken("a name is missing"));
        }
        let name = self.at..self.at + length;
        self.at += length;
        Ok(name)
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    fn end_tag(&mut self) -> Result<(), FileProblem> {
        let start = self.at;
        self.at += 2;
        let name = self.name()?;
        self.skip_space();
        if !self.rest().starts_with('>') {
            return Err(self.broken("an end tag has no end"));
        }
        self.at += 1;
        let opened = self.open.pop().and_then(|opened| self.source.get(opened));
        if opened != self.source.get(name.clone()) {
            return Err(self.broken("an end tag has no start tag"));
        }
        self.tokens.push(Token::End { tag: start..self.at, name });
        Ok(())
    }

    fn start_tag(&mut self) -> Result<(), FileProblem> {
        let start = self.at;
        self.at += 1;
        let name = self.name()?;
        let mut attributes = Vec::new();
        let empty = loop {
            self.skip_space();
            let rest = self.rest();
            if rest.starts_with("/>") {
                self.at += 2;
                break true;
            }
            if rest.starts_with('>') {
                self.at += 1;
                break false;
            }
            self.count()?;
            attributes.push(self.attribute()?);
        };
        if !empty {
            if self.open.len() >= DEPTH_LIMIT {
                return Err(FileProblem::too_large(format!(
                    "the file nests XML elements deeper than {DEPTH_LIMIT} levels"
                )));
            }
            self.open.push(name.clone());
        }
        self.tokens.push(Token::Start { tag: start..self.at, name, attributes, empty });
        Ok(())
    }

    fn attribute(&mut self) -> Result<Attribute, FileProblem> {
        let name = self.name()?;
        self.skip_space();
        if !self.rest().starts_with('=') {
            return Err(self.broken("an attribute has no value"));
        }
        self.at += 1;
        self.skip_space();
        let value = match self.rest().chars().next() {
            Some('"') => self.enclosed("\"", "\"")?,
            Some('\'') => self.enclosed("'", "'")?,
            _ => None,
        };
        let value = value.ok_or_else(|| self.broken("an attribute has no value"))?;
        if self.source.get(value.clone()).is_some_and(|value| value.contains('<')) {
            return Err(self.broken("a tag has no end"));
        }
        Ok(Attribute { name, value })
    }
}
