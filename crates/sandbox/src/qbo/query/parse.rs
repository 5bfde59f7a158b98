//! Reads a query into its parts. Everything wrong here is fault 4000.

use crate::qbo::fault::QboFault;

/// A query as written.
#[derive(Debug)]
pub struct Query {
    /// `COUNT(*)` instead of `*`.
    pub is_count: bool,
    /// Entity name as written.
    pub entity: String,
    /// Conditions, all of which must hold.
    pub conditions: Vec<Condition>,
    /// Sort properties; true is ascending.
    pub order: Vec<(String, bool)>,
    /// `STARTPOSITION`.
    pub start: Option<i64>,
    /// `MAXRESULTS`.
    pub most: Option<i64>,
}

/// One condition.
#[derive(Debug)]
pub struct Condition {
    /// Property as written.
    pub property: String,
    /// Comparison.
    pub comparison: Comparison,
    /// One value, or several for `IN`.
    pub values: Vec<String>,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `<`
    Less,
    /// `>`
    Greater,
    /// `<=`
    AtMost,
    /// `>=`
    AtLeast,
    /// `IN`
    In,
    /// `LIKE`
    Like,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Word(String),
    Text(String),
    Sign(&'static str),
}

const SIGNS: [&str; 9] = ["<=", ">=", "=", "<", ">", "(", ")", ",", "*"];

/// Reads a statement.
pub fn parse(statement: &str) -> Result<Query, QboFault> {
    let mut reader = Reader {
        tokens: tokens(statement)?,
        position: 0,
    };
    reader.keyword("SELECT")?;
    let is_count = reader.selection()?;
    reader.keyword("FROM")?;
    let mut query = Query {
        is_count,
        entity: reader.word()?,
        conditions: Vec::new(),
        order: Vec::new(),
        start: None,
        most: None,
    };
    if reader.take_keyword("WHERE") {
        query.conditions.push(reader.condition()?);
        while reader.take_keyword("AND") {
            query.conditions.push(reader.condition()?);
        }
    }
    if reader.take_keyword("ORDERBY") || reader.take_keyword("ORDER") {
        reader.take_keyword("BY");
        query.order.push(reader.sort()?);
        while reader.take_sign(",") {
            query.order.push(reader.sort()?);
        }
    }
    loop {
        if query.start.is_none() && reader.take_keyword("STARTPOSITION") {
            query.start = Some(reader.number()?);
        } else if query.most.is_none() && reader.take_keyword("MAXRESULTS") {
            query.most = Some(reader.number()?);
        } else {
            break;
        }
    }
    match reader.next() {
        None => Ok(query),
        Some(token) => Err(unexpected(&token)),
    }
}

fn tokens(statement: &str) -> Result<Vec<Token>, QboFault> {
    let mut tokens = Vec::new();
    let mut rest = statement.trim().trim_end_matches(';');
    while let Some(first) = rest.chars().next() {
        if first.is_whitespace() {
            rest = rest.trim_start();
        } else if first == '\'' {
            let (text, length) = quoted(rest)?;
            tokens.push(Token::Text(text));
            rest = &rest[length..];
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            rest = &rest[sign.len()..];
        } else if is_word(first) {
            let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        } else {
            let detail = format!("Encountered \"{first}\"");
            return Err(QboFault::query_syntax(&detail));
        }
    }
    Ok(tokens)
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '.' | '_' | '-')
}

/// The text between quotes and the length consumed; a backslash escapes the next character.
fn quoted(rest: &str) -> Result<(String, usize), QboFault> {
    let mut text = String::new();
    let mut letters = rest.char_indices().skip(1);
    while let Some((index, letter)) = letters.next() {
        match letter {
            '\'' => return Ok((text, index + 1)),
            '\\' => match letters.next() {
                Some((_, escaped)) => text.push(escaped),
                None => break,
            },
            _ => text.push(letter),
        }
    }
    Err(QboFault::query_syntax("Unterminated string"))
}

struct Reader {
    tokens: Vec<Token>,
    position: usize,
}

impl Reader {
    fn next(&mut self) -> Option<Token> {
        let token = self.tokens.get(self.position).cloned();
        self.position += 1;
        token
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found = matches!(
            self.tokens.get(self.position),
            Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword)
        );
        self.position += usize::from(found);
        found
    }

    fn take_sign(&mut self, wanted: &str) -> bool {
        let found =
            matches!(self.tokens.get(self.position), Some(Token::Sign(sign)) if *sign == wanted);
        self.position += usize::from(found);
        found
    }

    fn keyword(&mut self, keyword: &str) -> Result<(), QboFault> {
        if self.take_keyword(keyword) {
            return Ok(());
        }
        Err(self.complaint(keyword))
    }

    fn sign(&mut self, sign: &str) -> Result<(), QboFault> {
        if self.take_sign(sign) {
            return Ok(());
        }
        Err(self.complaint(sign))
    }

    fn complaint(&self, wanted: &str) -> QboFault {
        let found = self.tokens.get(self.position);
        QboFault::query_syntax(&format!("Expected {wanted}, found {found:?}"))
    }

    /// `*` or `COUNT(*)`; properties named after the star are taken and come anyway, since clients
    /// send them (`SELECT *, Sku FROM Item`).
    fn selection(&mut self) -> Result<bool, QboFault> {
        if self.take_keyword("COUNT") {
            self.sign("(")?;
            self.sign("*")?;
            self.sign(")")?;
            return Ok(true);
        }
        self.sign("*")?;
        while self.take_sign(",") {
            self.word()?;
        }
        Ok(false)
    }

    fn word(&mut self) -> Result<String, QboFault> {
        match self.next() {
            Some(Token::Word(word)) => Ok(word),
            Some(token) => Err(unexpected(&token)),
            None => Err(QboFault::query_syntax("Unexpected end of statement")),
        }
    }

    fn number(&mut self) -> Result<i64, QboFault> {
        let word = self.word()?;
        word.parse()
            .map_err(|_| QboFault::query_syntax(&format!("Encountered \"{word}\"")))
    }

    fn sort(&mut self) -> Result<(String, bool), QboFault> {
        let property = self.word()?;
        let descends = self.take_keyword("DESC");
        if !descends {
            self.take_keyword("ASC");
        }
        Ok((property, !descends))
    }

    fn condition(&mut self) -> Result<Condition, QboFault> {
        let property = self.word()?;
        let comparison = match self.next() {
            Some(Token::Sign("=")) => Comparison::Equal,
            Some(Token::Sign("<")) => Comparison::Less,
            Some(Token::Sign(">")) => Comparison::Greater,
            Some(Token::Sign("<=")) => Comparison::AtMost,
            Some(Token::Sign(">=")) => Comparison::AtLeast,
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("IN") => Comparison::In,
            Some(Token::Word(word)) if word.eq_ignore_ascii_case("LIKE") => Comparison::Like,
            Some(token) => return Err(unexpected(&token)),
            None => return Err(QboFault::query_syntax("Unexpected end of statement")),
        };
        let mut values = Vec::new();
        if comparison == Comparison::In {
            self.sign("(")?;
            values.push(self.value()?);
            while self.take_sign(",") {
                values.push(self.value()?);
            }
            self.sign(")")?;
        } else {
            values.push(self.value()?);
        }
        Ok(Condition {
            property,
            comparison,
            values,
        })
    }

    /// A quoted value, or a bare `true` or `false`.
    fn value(&mut self) -> Result<String, QboFault> {
        match self.next() {
            Some(Token::Text(text)) => Ok(text),
            Some(Token::Word(word))
                if word.eq_ignore_ascii_case("true") || word.eq_ignore_ascii_case("false") =>
            {
                Ok(word.to_ascii_lowercase())
            }
            Some(token) => Err(unexpected(&token)),
            None => Err(QboFault::query_syntax("Unexpected end of statement")),
        }
    }
}

fn unexpected(token: &Token) -> QboFault {
    let text = match token {
        Token::Word(text) | Token::Text(text) => text.as_str(),
        Token::Sign(sign) => sign,
    };
    QboFault::query_syntax(&format!("Encountered \"{text}\""))
}
