//! A client as a customer: its name by the integration's format, its address, and whether it is active.
//!
//! A customer is always created active, because an invoice may only name an active one; a client that is no
//! longer billed is deactivated by its next version. Changes are sent sparse: a full update would clear what
//! bookkeepers set on a customer and ProjectLedger does not know (terms, tax settings, parent). ProjectLedger's
//! notes are sent once, at creation; afterwards the notes belong to the people who keep the books.

use model::document::{Address, Client};
use model::{DocumentKind, Failure, FailureKind, Lifecycle, Operation};
use provider_kit::{Current, Effect, LinkState, Prediction, Step, View};

use super::owned::Owned;
use super::{Planned, Stop, currency, text, update};
use crate::wire::{self, Customer, Email, Phone, Ref};
use crate::{CUSTOMER, failures};

/// What a client needs in these books.
///
/// `sync_clients = false` is not looked at: only the worker knows whether a document that is sent needs this
/// client, so it leaves out the others before it plans.
pub(super) fn plan(view: &View<'_>, client: &Client) -> Planned<Vec<Step>> {
    let effect = Effect::main(CUSTOMER);
    let document = view.document;
    let is_live = document.lifecycle == Lifecycle::Live;
    let Some(link) = view.links.get(DocumentKind::Client, &document.id, &effect) else {
        return if is_live {
            Ok(vec![create(view, client)?])
        } else {
            Err(Stop::Skip(super::NEVER_SENT))
        };
    };
    let mut wanted = customer(view, client)?;
    wanted.active = Some(is_live && client.is_active);
    let owned = Owned::of_customer(&wanted);
    let is_settled = match link.state {
        LinkState::Active => true,
        LinkState::Inactive | LinkState::Ended => wanted.active == Some(false),
        LinkState::Gone => return Err(failures::deleted_in_books("customer").into()),
    };
    if is_settled && link.fingerprint == owned.fingerprint() {
        return Ok(Vec::new());
    }
    let Some(current) = update::look(view, &effect, link)? else {
        return Err(failures::deleted_in_books("customer").into());
    };
    let seen = seen(current)?;
    if !update::is_needed(
        link,
        current,
        &owned,
        &Owned::of_customer(&seen),
        "customer",
    )? {
        return Ok(Vec::new());
    }
    clear_dropped(&mut wanted, &seen);
    wanted.currency_ref = None;
    wanted.notes = update::kept_note(seen.notes.as_deref());
    Ok(vec![Step {
        effect,
        operation: Operation::Update,
        target: Some(update::target(link, current)),
        body: super::body(&wanted)?,
        prediction: Prediction::NoTotals,
        fingerprint: owned.fingerprint(),
    }])
}

fn create(view: &View<'_>, client: &Client) -> Result<Step, Failure> {
    let mut wanted = customer(view, client)?;
    let notes = text::lines(client.notes.as_deref().unwrap_or_default());
    let notes = text::cut(&notes, text::NOTES);
    wanted.notes = (!notes.is_empty()).then(|| notes.to_owned());
    wanted.type_ref = customer_type(view)?;
    Ok(Step {
        effect: Effect::main(CUSTOMER),
        operation: Operation::Create,
        target: None,
        fingerprint: Owned::of_customer(&wanted).fingerprint(),
        body: super::body(&wanted)?,
        prediction: Prediction::NoTotals,
    })
}

fn seen(current: &Current) -> Result<Customer, Failure> {
    Customer::read(&current.body).ok_or_else(|| failures::unreadable("customer"))
}

/// The customer we want, without notes and active state.
fn customer(view: &View<'_>, client: &Client) -> Result<Customer, Failure> {
    let foreign = client
        .currency
        .filter(|currency| currency::home(view) != Some(*currency));
    if let Some(currency) = foreign {
        currency::check_multicurrency(view, currency)?;
    }
    Ok(Customer {
        display_name: Some(display_name(view, client)?),
        company_name: text::short(client.company.as_deref(), text::COMPANY_NAME),
        primary_email_addr: client
            .email
            .as_deref()
            .map(text::one_line)
            .filter(|address| !address.is_empty())
            .map(|address| Email {
                address: Some(address),
            }),
        primary_phone: text::short(client.phone.as_deref(), text::PHONE).map(|number| Phone {
            free_form_number: Some(number),
        }),
        bill_addr: client.address.as_ref().and_then(address),
        currency_ref: foreign.map(|currency| Ref::to(currency.as_str())),
        ..Customer::default()
    })
}

/// The customer type of new customers, by its id; the usual word for no particular one is none.
fn customer_type(view: &View<'_>) -> Result<Option<Ref>, Failure> {
    let named = view.settings.client_account_type.trim();
    if named.is_empty() || named.eq_ignore_ascii_case("customer") {
        return Ok(None);
    }
    if named.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Some(Ref::to(named)));
    }
    Err(Failure::new(
        FailureKind::Rejected,
        "CUSTOMER_TYPE_UNKNOWN",
        "The customer type in the integration's settings is not an id of QuickBooks. Enter the id of a customer type, \
         or Customer for none, in the settings; then send it again.",
    ))
}

/// The name in the books: the integration's format, without colons, tabs and line ends.
fn display_name(view: &View<'_>, client: &Client) -> Result<String, Failure> {
    let id = view.document.id.as_str();
    let company = client.company.as_deref().unwrap_or_default();
    let filled = text::fill(
        &view.settings.client_name_format,
        &[("name", &client.name), ("company", company), ("id", id)],
    );
    [filled.as_str(), client.name.as_str(), company]
        .into_iter()
        .map(text::name)
        .find(|name| !name.is_empty())
        .ok_or_else(|| {
            Failure::new(
                FailureKind::Rejected,
                "NAME_MISSING",
                "This client has no name, and QuickBooks keeps no customer without one. Give the client a \
                 name in ProjectLedger; it is then sent again.",
            )
        })
}

fn address(address: &Address) -> Option<wire::Address> {
    let place = |part: &Option<String>, limit| text::short(part.as_deref(), limit);
    let wanted = wire::Address {
        line1: place(&address.line1, text::ADDRESS_LINE),
        line2: place(&address.line2, text::ADDRESS_LINE),
        city: place(&address.city, text::PLACE),
        country_sub_division_code: place(&address.region, text::PLACE),
        postal_code: place(&address.postal_code, text::POSTAL_CODE),
        country: place(&address.country, text::PLACE),
    };
    (wanted != wire::Address::default()).then_some(wanted)
}

/// A sparse update keeps what it does not name, so what ProjectLedger no longer has is sent as blank.
fn clear_dropped(wanted: &mut Customer, seen: &Customer) {
    let blank = |wanted: &mut Option<String>, seen: Option<&String>| {
        if wanted.is_none() && seen.is_some_and(|text| !text.is_empty()) {
            *wanted = Some(String::new());
        }
    };
    blank(&mut wanted.company_name, seen.company_name.as_ref());
    if let Some(email) = &seen.primary_email_addr {
        let own = wanted.primary_email_addr.get_or_insert_default();
        blank(&mut own.address, email.address.as_ref());
        let none = Email::default();
        wanted.primary_email_addr.take_if(|own| *own == none);
    }
    if let Some(phone) = &seen.primary_phone {
        let own = wanted.primary_phone.get_or_insert_default();
        blank(&mut own.free_form_number, phone.free_form_number.as_ref());
        let none = Phone::default();
        wanted.primary_phone.take_if(|own| *own == none);
    }
    if let Some(there) = &seen.bill_addr {
        let own = wanted.bill_addr.get_or_insert_default();
        blank(&mut own.line1, there.line1.as_ref());
        blank(&mut own.line2, there.line2.as_ref());
        blank(&mut own.city, there.city.as_ref());
        blank(
            &mut own.country_sub_division_code,
            there.country_sub_division_code.as_ref(),
        );
        blank(&mut own.postal_code, there.postal_code.as_ref());
        blank(&mut own.country, there.country.as_ref());
        let none = wire::Address::default();
        wanted.bill_addr.take_if(|own| *own == none);
    }
}
