//! What is wrong with a refused event: a code, the place in the message, a sentence that says what to do.

use std::fmt;

use super::envelope::Envelope;

/// Why an event was not accepted.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BadEvent {
    /// The envelope does not say whose event this is, or in which language: the message goes aside.
    #[error("undecodable event: {0}")]
    Undecodable(Fault),
    /// The envelope is sound and the contents are not: refused, with the reason.
    #[error("invalid event: {fault}")]
    Invalid {
        /// Whose event it is.
        envelope: Box<Envelope>,
        /// What is wrong with it.
        fault: Fault,
    },
}

impl BadEvent {
    /// What is wrong.
    pub const fn fault(&self) -> &Fault {
        match self {
            Self::Undecodable(fault) | Self::Invalid { fault, .. } => fault,
        }
    }

    /// The kind of mistake.
    pub const fn code(&self) -> Code {
        self.fault().code
    }

    /// The sound envelope, if there is one.
    pub fn envelope(&self) -> Option<&Envelope> {
        match self {
            Self::Undecodable(_) => None,
            Self::Invalid { envelope, .. } => Some(envelope),
        }
    }
}

/// One mistake in a message.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{code} at {path}: {advice}")]
pub struct Fault {
    /// The kind of mistake.
    pub code: Code,
    /// Where it is, as a JSON path such as `$.data.lines[2].amount`.
    pub path: String,
    /// What is wrong and what to do about it. Never a name, an address or free text from the message.
    pub advice: String,
}

impl Fault {
    pub(super) fn new(code: Code, path: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            code,
            path: path.into(),
            advice: advice.into(),
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// The kinds of mistake.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The code as stored and shown.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

codes! {
    /// More bytes than an event may have.
    TooLarge = "TOO_LARGE",
    /// Bytes that are not UTF-8.
    NotUtf8 = "NOT_UTF8",
    /// Not JSON, lone halves of surrogate pairs included.
    NotJson = "NOT_JSON",
    /// Objects and lists too deep inside each other.
    TooDeep = "TOO_DEEP",
    /// The same key twice in one object.
    DuplicateKey = "DUPLICATE_KEY",
    /// Another specversion than 1.0.
    UnknownSpecVersion = "UNKNOWN_SPEC_VERSION",
    /// A type that Tieout does not know.
    UnknownType = "UNKNOWN_TYPE",
    /// A schema version with another major number.
    UnknownSchemaVersion = "UNKNOWN_SCHEMA_VERSION",
    /// Data that is said not to be JSON.
    UnknownContentType = "UNKNOWN_CONTENT_TYPE",
    /// A field that must be there.
    MissingField = "MISSING_FIELD",
    /// A value of another JSON type.
    WrongType = "WRONG_TYPE",
    /// A JSON number where digits in a string are wanted.
    NumberNotString = "NUMBER_NOT_STRING",
    /// A control character.
    ControlCharacter = "CONTROL_CHARACTER",
    /// Nothing, or blanks only, where something must stand.
    Blank = "BLANK",
    /// More characters than the field may have.
    TooLong = "TOO_LONG",
    /// Not an id.
    BadId = "BAD_ID",
    /// A version, account or sequence that is not a whole number above zero.
    BadNumber = "BAD_NUMBER",
    /// Not an instant with an offset.
    BadTime = "BAD_TIME",
    /// Not a calendar date.
    BadDate = "BAD_DATE",
    /// A date outside the years that make sense.
    DateOutOfRange = "DATE_OUT_OF_RANGE",
    /// Not a plain decimal.
    NotDecimal = "NOT_DECIMAL",
    /// More significant digits than the bound.
    TooManyDigits = "TOO_MANY_DIGITS",
    /// More decimal places than the bound.
    TooManyPlaces = "TOO_MANY_PLACES",
    /// An amount with a part smaller than the currency's minor unit.
    BelowMinorUnit = "BELOW_MINOR_UNIT",
    /// Not a currency of ISO 4217.
    UnknownCurrency = "UNKNOWN_CURRENCY",
    /// A kind of document that does not belong here.
    UnknownKind = "UNKNOWN_KIND",
    /// The envelope's subject is another document than the data's.
    SubjectMismatch = "SUBJECT_MISMATCH",
    /// No line.
    NoLines = "NO_LINES",
    /// More lines than the limit.
    TooManyLines = "TOO_MANY_LINES",
    /// More allocations than the limit.
    TooManyAllocations = "TOO_MANY_ALLOCATIONS",
    /// Two entries for what may have one.
    DuplicateEntry = "DUPLICATE_ENTRY",
    /// A percentage below 0 or above 100.
    PercentOutOfRange = "PERCENT_OUT_OF_RANGE",
    /// A discount that is negative or larger than what it is taken off.
    DiscountOutOfRange = "DISCOUNT_OUT_OF_RANGE",
    /// Zero or less where money must be above zero.
    NotPositive = "NOT_POSITIVE",
    /// Below zero where money may not be.
    Negative = "NEGATIVE",
    /// A line whose amount is not quantity times price less discount.
    LineAmountMismatch = "LINE_AMOUNT_MISMATCH",
    /// Lines less discount that are not the net (or, tax inclusive, the gross) total.
    LinesSumMismatch = "LINES_SUM_MISMATCH",
    /// Line taxes that do not add up to the total tax.
    TaxSumMismatch = "TAX_SUM_MISMATCH",
    /// A gross total that is not net plus tax.
    GrossMismatch = "GROSS_MISMATCH",
    /// Allocations that add up to more than there is.
    OverAllocated = "OVER_ALLOCATED",
    /// Due before it is issued.
    DueBeforeIssue = "DUE_BEFORE_ISSUE",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
