//! The fault table: what each code of QuickBooks Online means, as data.
//!
//! Codes, wordings and classes are from Intuit's "Error codes" and "Handling common errors" pages, its 2017
//! blog post on the top errors, and captured replies; checked 2026-11-23. Where a code has several rows, the
//! first whose wording fits counts, so a row without wording stands last.

use std::time::Duration;

use model::FailureKind::{
    Conflict, Defect, OutcomeUnknown, Rejected, Throttled, Unauthorized, Unreachable, Unsupported,
};
use model::Owner::{Bookkeeper, Customer, Operator, System};
use model::Scope::{Books, Call, Element};
use model::failure::NOT_OPEN;
use model::{Failure, FailureKind, ImportKind, Owner, Scope};

/// What one code, in one wording, means.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    /// The provider's code.
    pub(crate) code: &'static str,
    /// Lower-case words that must occur in the message or detail; empty for any.
    pub(crate) wording: &'static str,
    pub(crate) kind: FailureKind,
    /// Our code for it; empty to keep the provider's.
    pub(crate) ours: &'static str,
    pub(crate) owner: Owner,
    pub(crate) scope: Scope,
    /// The least wait in seconds, where a minute would be too short.
    pub(crate) wait_seconds: u64,
    /// What the fleet does about it by itself.
    pub(crate) playbook: Playbook,
    /// What happened, who must act, what to do.
    pub(crate) sentence: &'static str,
}

impl Row {
    /// The failure it stands for.
    pub(crate) fn failure(&self) -> Failure {
        let code = self.our_code();
        let wait = (self.wait_seconds > 0).then(|| Duration::from_secs(self.wait_seconds));
        let failure = Failure::new(self.kind, code, self.sentence)
            .owned_by(self.owner)
            .reaching(self.scope)
            .with_retry_after(wait);
        match self.playbook {
            Playbook::ImportAgain(what) => failure.asking_import(what),
            Playbook::Person
            | Playbook::TryAgain
            | Playbook::Wait
            | Playbook::RenewConsent
            | Playbook::LookUp
            | Playbook::ReadAgain
            | Playbook::AdoptByNumber
            | Playbook::AskOnce => failure,
        }
    }

    /// Our code for it.
    pub(crate) fn our_code(&self) -> &'static str {
        if self.ours.is_empty() {
            self.code
        } else {
            self.ours
        }
    }
}

/// What the fleet does by itself about a failure before, or instead of, asking a person.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Playbook {
    /// Nothing: a person acts.
    Person,
    /// Sends it again, with growing waits.
    TryAgain,
    /// Pauses these books, then goes on.
    Wait,
    /// Renews the access token once.
    RenewConsent,
    /// Looks up what became of it before anything is sent.
    LookUp,
    /// Reads the object, compares, and sends the change only over what it knows.
    ReadAgain,
    /// Looks whether the document with this number is its own, and takes it up if so.
    AdoptByNumber,
    /// Marks the object that the refusal names; everything that needs it waits on one question.
    AskOnce,
    /// Reads again what it knows of the books.
    ImportAgain(ImportKind),
}

impl Playbook {
    /// Its name and what it does; none where a person acts.
    pub(crate) const fn words(self) -> Option<provider_kit::Playbook> {
        let (name, what) = match self {
            Self::Person => return None,
            Self::TryAgain => ("TRY_AGAIN", "sends it again, with growing waits"),
            Self::Wait => ("WAIT", "pauses everything for this company, then goes on"),
            Self::RenewConsent => (
                "RENEW_CONSENT",
                "renews the access token once, before the connection waits for its owner",
            ),
            Self::LookUp => (
                "LOOK_UP",
                "looks in the books for its own marker before anything is sent again",
            ),
            Self::ReadAgain => (
                "READ_AGAIN",
                "reads the object again, compares it, and sends the change only if nobody else's is lost",
            ),
            Self::AdoptByNumber => (
                "ADOPT_BY_NUMBER",
                "reads the document that has the number, and takes it up if it carries its own marker",
            ),
            Self::AskOnce => (
                "ASK_ONCE",
                "marks the object that was refused, so that all documents that need it wait on one question",
            ),
            Self::ImportAgain(ImportKind::Company) => (
                "IMPORT_COMPANY",
                "reads the company's facts and preferences again",
            ),
            Self::ImportAgain(ImportKind::Accounts) => {
                ("IMPORT_ACCOUNTS", "reads the chart of accounts again")
            }
            Self::ImportAgain(ImportKind::TaxCodes) => {
                ("IMPORT_TAX_CODES", "reads tax codes and rates again")
            }
        };
        Some(provider_kit::Playbook { name, what })
    }
}

/// The playbook of a code of ours: of several rows with the code, the first that has one.
pub(crate) fn playbook(code: &str) -> Option<provider_kit::Playbook> {
    let mut rows = TABLE.iter().filter(|row| row.our_code() == code);
    rows.find_map(|row| row.playbook.words())
}

/// The row of a code, by its wording.
pub(crate) fn row(code: &str, wording: &str) -> Option<&'static Row> {
    let wording = wording.to_lowercase();
    TABLE
        .iter()
        .find(|row| row.code == code && wording.contains(row.wording))
}

const fn one(
    code: &'static str,
    wording: &'static str,
    kind: FailureKind,
    owner: Owner,
    scope: Scope,
    sentence: &'static str,
) -> Row {
    Row {
        code,
        wording,
        kind,
        ours: "",
        owner,
        scope,
        wait_seconds: 0,
        playbook: Playbook::Person,
        sentence,
    }
}

impl Row {
    const fn named(self, ours: &'static str) -> Self {
        Self { ours, ..self }
    }

    const fn healed(self, playbook: Playbook) -> Self {
        Self { playbook, ..self }
    }

    const fn after(self, wait_seconds: u64) -> Self {
        Self {
            wait_seconds,
            ..self
        }
    }
}

/// Every code that we know.
#[rustfmt::skip]
pub(crate) static TABLE: &[Row] = &[
    one("100", "", Unauthorized, Customer, Books,
        "QuickBooks no longer accepts Tieout's connection to this company. Whoever owns the \
         connection must reconnect QuickBooks in the integration's settings; everything waiting is \
         then sent by itself.").healed(Playbook::RenewConsent),
    one("110", "", Unauthorized, Customer, Books,
        "QuickBooks no longer accepts Tieout's connection to this company. Whoever owns the \
         connection must reconnect QuickBooks in the integration's settings; everything waiting is \
         then sent by itself.").healed(Playbook::RenewConsent),
    one("120", "", Unauthorized, Customer, Books,
        "The person who connected QuickBooks may no longer use this company there. A company \
         administrator must reconnect QuickBooks in the integration's settings; everything waiting is \
         then sent by itself."),
    one("130", "", Unreachable, System, Books,
        "QuickBooks is moving this company between its servers. Tieout tries again by itself; nobody \
         needs to act.").healed(Playbook::TryAgain),
    one("140", "", Throttled, System, Books,
        "QuickBooks has locked this company for the moment. Tieout waits and tries again by itself; \
         if it lasts for more than a day, ask Intuit's support.").after(300).healed(Playbook::Wait),
    one("150", "", Throttled, System, Books,
        "QuickBooks is doing maintenance on this company. Tieout waits and tries again by itself; if \
         it lasts for more than a day, ask Intuit's support.").after(300).healed(Playbook::Wait),
    one("500", "", Unsupported, Operator, Element,
        "QuickBooks does not offer what Tieout asked of it here. Whoever runs Tieout must look at \
         QuickBooks' own words and report it."),
    one("600", "", OutcomeUnknown, System, Element,
        "QuickBooks says that it has seen this very request before. Tieout looks up what became of it \
         before anything is sent again; nobody needs to act.").healed(Playbook::LookUp),
    one("610", "inactive", Conflict, Bookkeeper, Element,
        "Something this document uses (the customer, an item, an account or a tax code) was made \
         inactive in QuickBooks. Make it active there, or choose another in the integration's \
         settings, then send it again."),
    one("610", "", Conflict, Bookkeeper, Element,
        "What this change is for was deleted in QuickBooks and is not created again by itself. Decide \
         whether it should exist: ask Tieout to create it again, or delete it in ProjectLedger too.").named("DELETED_IN_BOOKS"),
    one("620", "", Conflict, Bookkeeper, Element,
        "QuickBooks cannot link this to the other document: it is settled already, belongs to another \
         customer, or is gone. Tieout tries again for a while, since another document may be about to free \
         it. If it stays so, check both in QuickBooks, then send it again.").named(NOT_OPEN),
    one("630", "", Conflict, Bookkeeper, Element,
        "QuickBooks already has something with the same number or name that Tieout did not make. \
         Decide which of the two counts: link the existing one, or change the number or name, then \
         send it again."),
    one("700", "", Rejected, Bookkeeper, Element,
        "QuickBooks cannot place this below the parent it names. Correct the parent in QuickBooks, \
         then send it again."),
    one("800", "", Conflict, Bookkeeper, Element,
        "Other documents in QuickBooks depend on this one, such as a payment on an invoice, so \
         QuickBooks does not change it. Take them off in QuickBooks first, then send it again."),
    one("900", "", Rejected, Bookkeeper, Element,
        "QuickBooks cannot make something its own parent. Correct the parent in QuickBooks, then send \
         it again."),
    one("1000", "", Rejected, Bookkeeper, Element,
        "QuickBooks did not carry this out. Its own words below say why: correct what they name, then \
         send it again."),
    one("1010", "", Rejected, Bookkeeper, Element,
        "QuickBooks did not create this. Its own words below say why: correct what they name, then \
         send it again."),
    one("1020", "", Rejected, Bookkeeper, Element,
        "QuickBooks did not take this change. Its own words below say why: correct what they name, \
         then send it again."),
    one("1040", "", Defect, Operator, Call,
        "Tieout sent more documents at once than QuickBooks takes; this is a fault of Tieout. Nothing \
         was written. Whoever runs it must report it."),
    one("1050", "", Defect, Operator, Call,
        "Tieout named its request's format wrongly; this is a fault of Tieout. Nothing was written. \
         Whoever runs it must report it."),
    one("2000", "", Rejected, Bookkeeper, Element,
        "QuickBooks found a mistake in this document. Its own words below say which: correct it in \
         ProjectLedger, then send it again."),
    one("2010", "", Defect, Operator, Element,
        "Tieout sent a field that QuickBooks does not know; this is a fault of Tieout. Nothing was \
         written. Whoever runs it must report it."),
    one("2020", "", Defect, Operator, Element,
        "Tieout left out a field that QuickBooks needs; this is a fault of Tieout. Nothing was \
         written. Whoever runs it must report it, with QuickBooks' own words below."),
    one("2030", "", Rejected, Bookkeeper, Element,
        "An item or tax code in the integration's settings is not an id of QuickBooks. Choose it \
         again from the list in the integration's settings, then send it again."),
    one("2040", "", Rejected, Bookkeeper, Element,
        "A name or text has a character that QuickBooks does not take, such as a colon. Take it out \
         in ProjectLedger; it is then sent again."),
    one("2050", "", Rejected, Bookkeeper, Element,
        "A text is shorter or longer than QuickBooks takes; its own words below name the field. \
         Change it in ProjectLedger; it is then sent again."),
    one("2080", "", Defect, Operator, Element,
        "QuickBooks could not read a number that Tieout sent; this is a fault of Tieout. Nothing was \
         written. Whoever runs it must report it."),
    one("2090", "", Defect, Operator, Element,
        "QuickBooks could not read a number that Tieout sent; this is a fault of Tieout. Nothing was \
         written. Whoever runs it must report it."),
    one("2170", "", Defect, Operator, Element,
        "Tieout sent a choice that QuickBooks does not offer; this is a fault of Tieout. Nothing was \
         written. Whoever runs it must report it."),
    one("2210", "", Rejected, Bookkeeper, Element,
        "QuickBooks does not accept this client's e-mail address. Correct it in ProjectLedger; the \
         client is then sent again."),
    one("2500", "category", Conflict, Bookkeeper, Element,
        "The item chosen for this document is a category in QuickBooks, and categories cannot be \
         sold. Choose a product or service in the integration's settings, then send it again."),
    one("2500", "names element", Conflict, Bookkeeper, Element,
        "QuickBooks does not find the customer of this document: it was deleted, merged or made \
         inactive. Choose which customer stands for this client, or make it active in QuickBooks, \
         then send it again.").named("CUSTOMER_GONE").healed(Playbook::AskOnce),
    one("2500", "account", Conflict, Bookkeeper, Element,
        "QuickBooks does not find an account that this document uses. Choose another in the \
         integration's settings, or restore it in QuickBooks, then send it again.").healed(Playbook::ImportAgain(ImportKind::Accounts)),
    one("2500", "tax", Conflict, Bookkeeper, Element,
        "QuickBooks does not find a tax code that this document uses. Choose another in the \
         integration's settings, then send it again.").healed(Playbook::ImportAgain(ImportKind::TaxCodes)),
    one("2500", "item", Conflict, Bookkeeper, Element,
        "QuickBooks does not find an item that this document uses. Choose another in the \
         integration's settings, or make it active in QuickBooks, then send it again."),
    one("2500", "", Conflict, Bookkeeper, Element,
        "QuickBooks does not find something this document names (an item, an account, a tax code or \
         the customer). Its own words below say which: choose another, or restore it in QuickBooks, \
         then send it again."),
    one("3001", "", Throttled, System, Books,
        "QuickBooks asked Tieout to send more slowly. Tieout waits and goes on by itself; nobody \
         needs to act.").healed(Playbook::Wait),
    one("3100", "", Unauthorized, Customer, Books,
        "QuickBooks refuses Tieout access to this company: it was disconnected there, or another \
         company was meant. Whoever owns the connection must reconnect QuickBooks in the \
         integration's settings.").healed(Playbook::RenewConsent),
    one("3200", "", Unauthorized, Customer, Books,
        "QuickBooks no longer accepts Tieout's key to this company. Tieout renews it once by itself; \
         if that fails, whoever owns the connection must reconnect QuickBooks in the integration's \
         settings.").healed(Playbook::RenewConsent),
    one("4000", "", Defect, Operator, Call,
        "QuickBooks could not read Tieout's question; this is a fault of Tieout. Nothing was written. \
         Whoever runs it must report it."),
    one("4001", "", Defect, Operator, Call,
        "QuickBooks does not answer Tieout's question; this is a fault of Tieout. Nothing was \
         written. Whoever runs it must report it."),
    one("5000", "", Defect, Operator, Element,
        "Tieout sent a field that QuickBooks has given up; this is a fault of Tieout. Nothing was \
         written. Whoever runs it must report it."),
    one("5010", "", Conflict, System, Element,
        "Somebody changed this in QuickBooks at the same time. Tieout reads it again and compares \
         before it sends anything; nobody needs to act unless the two then differ.").named("STALE_REVISION").healed(Playbook::ReadAgain),
    one("5020", "", Unsupported, Customer, Element,
        "This company's QuickBooks plan, or the person who connected it, may not do this. Change the \
         plan, or let an administrator reconnect QuickBooks, then send it again."),
    one("5030", "", Unsupported, Customer, Element,
        "This company's QuickBooks does not have the feature that this needs. Switch it on in \
         QuickBooks or change the plan, then send it again."),
    one("6000", "currency", Conflict, Bookkeeper, Element,
        "QuickBooks keeps each customer in one currency, and this document is in another than its customer. \
         Use a client of its own for this currency in ProjectLedger, then send it again.").named("CUSTOMER_CURRENCY"),
    one("6000", "tax", Rejected, Bookkeeper, Element,
        "QuickBooks does not accept the sales tax of this document. Tieout reads the tax codes again by \
         itself. Check the tax code that is chosen for the rate in the integration's settings, then send it \
         again.").healed(Playbook::ImportAgain(ImportKind::TaxCodes)),
    one("6000", "linked", Conflict, Bookkeeper, Element,
        "Other documents in QuickBooks are linked to this one, so QuickBooks does not change it. Take them \
         off in QuickBooks first, then send it again.").named("800"),
    one("6000", "", Rejected, Bookkeeper, Element,
        "QuickBooks refused this by one of its business rules. Its own words below say which: correct \
         what they name, in ProjectLedger or in QuickBooks, then send it again."),
    one("6010", "", Rejected, Bookkeeper, Element,
        "An account in QuickBooks lacks its type. Complete the account there, then send it again."),
    one("6070", "", Defect, Operator, Element,
        "QuickBooks computed another line amount than Tieout sent; this is a fault of Tieout. Nothing \
         was written. Whoever runs it must report it."),
    one("6080", "", Rejected, Bookkeeper, Element,
        "This client has no name, and QuickBooks keeps no customer without one. Give the client a \
         name in ProjectLedger; it is then sent again.").named("NAME_MISSING"),
    one("6090", "", Defect, Operator, Element,
        "Tieout sent a discount without a sum or percentage; this is a fault of Tieout. Nothing was \
         written. Whoever runs it must report it."),
    one("6100", "", Rejected, Bookkeeper, Element,
        "This company in QuickBooks is American and takes only its own two tax codes on lines. \
         Refresh the connection, so that Tieout sees its country and tax settings, then send it \
         again.").healed(Playbook::ImportAgain(ImportKind::Company)),
    one("6140", "txnid=", OutcomeUnknown, System, Element,
        "QuickBooks already has a document with this number. Tieout looks whether it is its own before \
         anything is sent again, and asks if it is not; nobody needs to act until then.").healed(Playbook::AdoptByNumber),
    one("6140", "", Conflict, Bookkeeper, Element,
        "QuickBooks already has a document with this number that Tieout did not make. Decide which of \
         the two counts: link the existing one, or change one of the numbers, then send it again."),
    one("6190", "", Conflict, Customer, Books,
        "This company's QuickBooks subscription has ended or has a billing problem, so QuickBooks \
         takes no changes. Whoever owns the company must renew the subscription; everything waiting \
         is then sent by itself."),
    one("6210", "documentnumber", Conflict, Bookkeeper, Element,
        "QuickBooks already has a document with this number that Tieout did not make. Decide which of \
         the two counts: link the existing one, or change one of the numbers, then send it again.").named("6140"),
    one("6210", "document number", Conflict, Bookkeeper, Element,
        "QuickBooks already has a document with this number that Tieout did not make. Decide which of \
         the two counts: link the existing one, or change one of the numbers, then send it again.").named("6140"),
    one("6210", "", Conflict, Bookkeeper, Element,
        "The books are closed for the date of this document. Move the closing date in QuickBooks \
         (Account and settings, Advanced), or change the document's date in ProjectLedger, then send \
         it again.").healed(Playbook::ImportAgain(ImportKind::Company)),
    one("6240", "", Conflict, Bookkeeper, Element,
        "QuickBooks already has a customer, vendor or employee with this name that Tieout did not \
         make. Decide whether it is the same: link this client to that customer, or rename one of the \
         two, then send it again."),
    one("6250", "", Conflict, Bookkeeper, Element,
        "QuickBooks does not accept the customer of this document. Check the customer in QuickBooks, \
         then send it again."),
    one("6430", "", Conflict, Bookkeeper, Element,
        "An item of this document is booked on an account of the wrong type in QuickBooks. Correct \
         the item's account there, or choose another item in the integration's settings, then send it \
         again.").healed(Playbook::ImportAgain(ImportKind::Accounts)),
    one("6540", "", Conflict, Bookkeeper, Element,
        "This is part of a bank deposit in QuickBooks and cannot be changed. Take it off the deposit \
         there, then send it again."),
    one("6560", "", Defect, Operator, Element,
        "Tieout sent a document without its customer; this is a fault of Tieout. Nothing was written. \
         Whoever runs it must report it."),
    one("10000", "could not find resource", Defect, Operator, Call,
        "Tieout asked QuickBooks at an address that does not exist; this is a fault of Tieout. \
         Nothing was written. Whoever runs it must report it."),
    one("10000", "", OutcomeUnknown, System, Element,
        "QuickBooks reported a failure of its own while it worked on this. Tieout looks up what \
         became of it before anything is sent again; nobody needs to act.").healed(Playbook::LookUp),
];
