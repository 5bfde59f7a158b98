//! A client as a contact: its name by the integration's format, its address, and whether it is in use.
//!
//! The contact number is our key and carries the marker; names find nothing, since two clients may share one. A
//! contact is always created active, because an invoice may only name an active one; a client that is no longer
//! billed is archived by its next version. Changes name only what we own: Xero keeps what is left out, and what
//! ProjectLedger no longer has is sent as blank. A contact that a bookkeeper merged into another is followed there.

use model::document::{Address, Client};
use model::{DocumentKind, Failure, FailureKind, Lifecycle, Operation};
use provider_kit::{
    Current, CurrentState, Effect, External, Link, LinkState, Need, Plan, Prediction, Step, View,
};
use serde_json::json;

use super::owned::Owned;
use super::{text, update};
use crate::wire::{self, Contact, Phone};
use crate::{CUSTOMER, failures, mark};

/// What a client needs in these books.
///
/// `sync_clients = false` is not looked at: only the worker knows whether a document that is sent needs this
/// client, so it leaves out the others before it plans.
pub(super) fn plan(view: &View<'_>, client: &Client) -> Result<Plan, Failure> {
    let effect = Effect::main(CUSTOMER);
    let document = view.document;
    let is_live = document.lifecycle == Lifecycle::Live;
    let Some(link) = view.links.get(DocumentKind::Client, &document.id, &effect) else {
        return if is_live {
            create(view, client).map(|step| Plan::Steps(vec![step]))
        } else {
            Ok(Plan::Skip(super::NEVER_SENT))
        };
    };
    let mut wanted = contact(view, client)?;
    let is_wanted_active = is_live && client.is_active;
    wanted.contact_status = Some(status(is_wanted_active).to_owned());
    let owned = Owned::of_contact(&wanted);
    let is_settled = match link.state {
        LinkState::Active => true,
        LinkState::Inactive | LinkState::Ended => !is_wanted_active,
        LinkState::Gone => return Err(failures::deleted_in_books("contact")),
    };
    if is_settled && link.fingerprint == owned.fingerprint() {
        return Ok(Plan::Steps(Vec::new()));
    }
    let Some(current) = view.currents.get(CUSTOMER, &link.external_id) else {
        return Ok(Plan::Needs(vec![super::read_of(&effect, link)]));
    };
    let CurrentState::There(current) = current else {
        return Err(failures::deleted_in_books("contact"));
    };
    let seen = seen(current)?;
    if let Some(survivor) = seen.merged_into() {
        return follow(view, link, survivor);
    }
    let there = Owned::of_contact(&seen);
    if !update::is_needed(link, current, &owned, &there, "contact")? {
        return Ok(Plan::Steps(Vec::new()));
    }
    clear_dropped(&mut wanted, &seen);
    Ok(Plan::Steps(vec![Step {
        effect,
        operation: Operation::Update,
        target: Some(update::target(link, current)),
        body: super::body(&wanted)?,
        prediction: Prediction::NoTotals,
        fingerprint: owned.fingerprint(),
    }]))
}

fn create(view: &View<'_>, client: &Client) -> Result<Step, Failure> {
    let wanted = contact(view, client)?;
    Ok(Step {
        effect: Effect::main(CUSTOMER),
        operation: Operation::Create,
        target: None,
        fingerprint: Owned::of_contact(&wanted).fingerprint(),
        body: super::body(&wanted)?,
        prediction: Prediction::NoTotals,
    })
}

/// The contact was merged: our key moves to the one that remains, which keeps its own name and address until the
/// client changes again. One that is another client's already stands for two, and a person must say so.
fn follow(view: &View<'_>, link: &Link, survivor: &str) -> Result<Plan, Failure> {
    let effect = Effect::main(CUSTOMER);
    let current = match view.currents.get(CUSTOMER, survivor) {
        None => {
            return Ok(Plan::Needs(vec![Need::Current {
                effect,
                external: External {
                    id: survivor.to_owned(),
                    revision: String::new(),
                },
            }]));
        }
        Some(CurrentState::NotThere) => return Err(failures::deleted_in_books("contact")),
        Some(CurrentState::There(current)) => current,
    };
    let seen = seen(current)?;
    let marks = mark::all(wire::text(seen.contact_number.as_ref()));
    if marks.iter().any(|marker| marker.effect != link.effect_id) {
        return Err(merged_clients());
    }
    Ok(Plan::Steps(vec![Step {
        effect,
        operation: Operation::Update,
        target: Some(External {
            id: survivor.to_owned(),
            revision: current.landed.revision.clone(),
        }),
        body: json!({}),
        prediction: Prediction::NoTotals,
        fingerprint: Owned::of_contact(&seen).fingerprint(),
    }]))
}

fn merged_clients() -> Failure {
    Failure::new(
        FailureKind::Conflict,
        "CONTACTS_MERGED",
        "The contact of this client was merged in Xero into the contact of another client. Merge the two clients in \
         ProjectLedger too, or take the merge back by making a new contact in Xero; then send this client again.",
    )
}

fn seen(current: &Current) -> Result<Contact, Failure> {
    wire::read(&current.body).ok_or_else(|| failures::unreadable("contact"))
}

const fn status(is_active: bool) -> &'static str {
    if is_active {
        wire::ACTIVE
    } else {
        wire::ARCHIVED
    }
}

/// The contact we want, without its status.
fn contact(view: &View<'_>, client: &Client) -> Result<Contact, Failure> {
    Ok(Contact {
        name: Some(name(view, client)?),
        email_address: text::short(client.email.as_deref(), text::EMAIL),
        tax_number: text::short(client.tax_number.as_deref(), text::SHORT),
        addresses: client
            .address
            .as_ref()
            .and_then(address)
            .map(|one| vec![one]),
        phones: text::short(client.phone.as_deref(), text::SHORT).map(|number| {
            vec![Phone {
                phone_type: Some(wire::MAIN_PHONE.to_owned()),
                phone_number: Some(number),
                ..Phone::default()
            }]
        }),
        ..Contact::default()
    })
}

/// The name in the books: the integration's format.
fn name(view: &View<'_>, client: &Client) -> Result<String, Failure> {
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
                "This client has no name, and Xero keeps no contact without one. Give the client a name in \
                 ProjectLedger; it is then sent again.",
            )
        })
}

fn address(address: &Address) -> Option<wire::Address> {
    let place = |part: &Option<String>, limit| text::short(part.as_deref(), limit);
    let wanted = wire::Address {
        address_type: Some(wire::BILLED_AT.to_owned()),
        address_line1: place(&address.line1, text::ADDRESS_LINE),
        address_line2: place(&address.line2, text::ADDRESS_LINE),
        city: place(&address.city, text::PLACE),
        region: place(&address.region, text::PLACE),
        postal_code: place(&address.postal_code, text::SHORT),
        country: text::country(address.country.as_deref()),
    };
    let empty = wire::Address {
        address_type: wanted.address_type.clone(),
        ..wire::Address::default()
    };
    (wanted != empty).then_some(wanted)
}

/// What ProjectLedger no longer has and Xero still does is sent as blank.
fn clear_dropped(wanted: &mut Contact, seen: &Contact) {
    let blank = |wanted: &mut Option<String>, seen: Option<&String>| {
        if wanted.is_none() && seen.is_some_and(|text| !text.is_empty()) {
            *wanted = Some(String::new());
        }
    };
    blank(&mut wanted.email_address, seen.email_address.as_ref());
    blank(&mut wanted.tax_number, seen.tax_number.as_ref());
    let there = seen.phones.iter().flatten();
    if let Some(there) = there
        .filter(|one| wire::text(one.phone_type.as_ref()) == wire::MAIN_PHONE)
        .find(|one| one.phone_number.as_ref().is_some_and(|n| !n.is_empty()))
    {
        let own = wanted.phones.get_or_insert_with(|| {
            vec![Phone {
                phone_type: Some(wire::MAIN_PHONE.to_owned()),
                ..Phone::default()
            }]
        });
        for one in own {
            blank(&mut one.phone_number, there.phone_number.as_ref());
            blank(&mut one.phone_area_code, there.phone_area_code.as_ref());
            blank(
                &mut one.phone_country_code,
                there.phone_country_code.as_ref(),
            );
        }
    }
    let mut there = seen.addresses.iter().flatten();
    if let Some(there) = there.find(|one| wire::text(one.address_type.as_ref()) == wire::BILLED_AT)
    {
        clear_address(wanted, there);
    }
}

fn clear_address(wanted: &mut Contact, there: &wire::Address) {
    let blank = |wanted: &mut Option<String>, seen: Option<&String>| {
        if wanted.is_none() && seen.is_some_and(|text| !text.is_empty()) {
            *wanted = Some(String::new());
        }
    };
    let empty = wire::Address {
        address_type: Some(wire::BILLED_AT.to_owned()),
        ..wire::Address::default()
    };
    let mut own = wanted
        .addresses
        .take()
        .and_then(|mut all| all.pop())
        .unwrap_or_else(|| empty.clone());
    blank(&mut own.address_line1, there.address_line1.as_ref());
    blank(&mut own.address_line2, there.address_line2.as_ref());
    blank(&mut own.city, there.city.as_ref());
    blank(&mut own.region, there.region.as_ref());
    blank(&mut own.postal_code, there.postal_code.as_ref());
    blank(&mut own.country, there.country.as_ref());
    wanted.addresses = (own != empty).then(|| vec![own]);
}
