//! The Accounting API itself: carries out a request that has passed the gateway.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::allocation;
use super::answer::Answer;
use super::bank;
use super::billing;
use super::call::{Below, Call, Place};
use super::chart;
use super::complaints::{Complaints, Verdict};
use super::contact;
use super::dates;
use super::elements::{self, Form, Outcome};
use super::kind::Kind;
use super::organisation::{Organisation, is_guid};
use super::payment;
use super::query::listing::{self, Sight};
use super::refusal;
use super::render::{self, View};
use super::settings::Settings;
use super::shape;
use super::work::{Manner, Members, Work, Written, word};

/// Most items of one write.
const ITEMS_MAX: usize = 500;

/// What the service needs to know beside the books.
#[derive(Debug, Clone, Copy)]
pub struct Conditions<'a> {
    /// Settings of the sandbox.
    pub settings: &'a Settings,
    /// The present instant.
    pub now: DateTime<Utc>,
    /// Lists see commits up to here.
    pub lookup_until: DateTime<Utc>,
    /// The application.
    pub app: &'a str,
    /// The correlation id, which is also the envelope's.
    pub correlation_id: &'a str,
}

impl Conditions<'_> {
    fn envelope(&self) -> Value {
        json!({
            "Id": self.correlation_id,
            "Status": "OK",
            "ProviderName": self.settings.provider_name,
            "DateTimeUTC": dates::envelope(self.now),
        })
    }

    fn work(&self, organisation: &Organisation, call: &Call) -> Work {
        Work {
            now: self.now,
            today: organisation.profile.day(self.now),
            unit_places: call.unit_places(),
            app: self.app.to_owned(),
            user: "System Generated".to_owned(),
        }
    }
}

/// Carries out a request on an organisation's books.
pub fn execute(
    organisation: &mut Organisation,
    call: &Call,
    place: &Place,
    conditions: Conditions<'_>,
) -> Answer {
    if !call.accept.contains("json") {
        return refusal::not_acceptable();
    }
    let result = match call.method.as_str() {
        "GET" => Ok(read(organisation, call, place, conditions)),
        "PUT" | "POST" => write(organisation, call, place, conditions),
        "DELETE" => Ok(delete(organisation, call, place, conditions)),
        _ => Err(refusal::not_implemented()),
    };
    result.unwrap_or_else(|refused| refused)
}

fn read(
    organisation: &Organisation,
    call: &Call,
    place: &Place,
    conditions: Conditions<'_>,
) -> Answer {
    let kind = place.kind;
    let mut envelope = conditions.envelope();
    let Some(key) = &place.key else {
        let sight = Sight {
            until: conditions.lookup_until,
            list_max: conditions.settings.list_max,
        };
        return match listing::list(organisation, kind, call, conditions.app, sight) {
            Ok(listed) => {
                if let Some(pagination) = listed.pagination {
                    envelope["pagination"] = pagination;
                }
                envelope[kind.plural()] = Value::Array(listed.rows);
                Answer::success(&envelope, Vec::new())
            }
            Err(refused) => refused,
        };
    };
    let is_by_id = is_guid(key);
    let until = if is_by_id && !conditions.settings.lag_gets {
        conditions.now
    } else {
        conditions.lookup_until
    };
    let view = View::full(call.unit_places());
    let id = listing::resolve(organisation, kind, key);
    let shown = id.and_then(|id| {
        let shown = listing::show(organisation, kind, &id, until, view)?;
        Some((id, shown))
    });
    let Some((id, shown)) = shown else {
        return refusal::not_found();
    };
    match &place.below {
        None => envelope[kind.plural()] = json!([shown]),
        Some((Below::History, None)) => {
            envelope["HistoryRecords"] = Value::Array(organisation.history.of(&id));
        }
        Some((Below::Options, None)) if kind == Kind::TrackingCategory => {
            envelope["Options"] = shown["Options"].clone();
        }
        Some((Below::Allocations, None)) if is_credit(kind) => {
            envelope["Allocations"] = shown["Allocations"].clone();
        }
        Some(_) => return refusal::not_found(),
    }
    Answer::success(&envelope, Vec::new())
}

fn is_credit(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::CreditNote | Kind::Overpayment | Kind::Prepayment
    )
}

/// Whether a place can be written to in that manner.
fn is_writable(place: &Place, manner: Manner) -> bool {
    let is_put = manner == Manner::Create;
    let has_key = place.key.is_some();
    match (&place.below, place.kind) {
        (Some((Below::Allocations, None)), kind) => is_put && has_key && is_credit(kind),
        (Some((Below::History, None)), _) => is_put && has_key,
        (Some((Below::Options, None)), kind) => is_put && has_key && kind == Kind::TrackingCategory,
        (Some(_), _) => false,
        (None, kind) => match kind {
            Kind::Invoice
            | Kind::CreditNote
            | Kind::Contact
            | Kind::Item
            | Kind::BankTransaction
            | Kind::Payment
            | Kind::BatchPayment => !(is_put && has_key),
            Kind::Account | Kind::TrackingCategory => is_put != has_key,
            Kind::TaxRate => !has_key,
            Kind::Currency => is_put && !has_key,
            Kind::BrandingTheme | Kind::Organisation | Kind::Overpayment | Kind::Prepayment => {
                false
            }
        },
    }
}

fn write(
    organisation: &mut Organisation,
    call: &Call,
    place: &Place,
    conditions: Conditions<'_>,
) -> Result<Answer, Answer> {
    let manner = if call.method == "PUT" {
        Manner::Create
    } else {
        Manner::CreateOrUpdate
    };
    if !is_writable(place, manner) {
        return Err(refusal::not_implemented());
    }
    if !call.content_type.contains("json") {
        return Err(refusal::unsupported_media());
    }
    let unreadable = || refusal::post_data_invalid("JSON for post data was invalid");
    let json = call.json.as_ref().ok_or_else(unreadable)?;
    shape::check(json).map_err(|message| refusal::post_data_invalid(&message))?;
    let plural = match place.below {
        Some((Below::Allocations, _)) => "Allocations",
        Some((Below::History, _)) => "HistoryRecords",
        Some((Below::Options, _)) => "Options",
        None => place.kind.plural(),
    };
    let bodies = call.elements_under(plural);
    if bodies.is_empty() || bodies.iter().any(|body| !body.is_object()) {
        return Err(refusal::no_data());
    }
    let most = match place.kind {
        Kind::Account | Kind::TaxRate | Kind::Currency => Some(1),
        Kind::Item => Some(ITEMS_MAX),
        _ => conditions.settings.elements_max,
    };
    if most.is_some_and(|most| bodies.len() > most) {
        return Err(refusal::post_data_invalid(
            "Too many elements in one request",
        ));
    }
    if let Some(key) = &place.key
        && listing::resolve(organisation, place.kind, key)
            .is_none_or(|id| !exists(organisation, place.kind, &id, conditions.now))
    {
        return Err(refusal::not_found());
    }
    let work = conditions.work(organisation, call);
    let outcomes = bodies
        .into_iter()
        .map(|body| one(organisation, place, body, manner, &work))
        .collect();
    let form = Form {
        kind: place.kind,
        plural,
        summarizes: call.switch("summarizeerrors") != Some(false),
        wording: &conditions.settings.wording,
    };
    Ok(elements::answer(outcomes, form, conditions.envelope()))
}

fn exists(organisation: &Organisation, kind: Kind, id: &str, now: DateTime<Utc>) -> bool {
    listing::show(organisation, kind, id, now, View::full(2)).is_some()
}

/// Writes one element.
fn one(
    organisation: &mut Organisation,
    place: &Place,
    body: &Value,
    manner: Manner,
    work: &Work,
) -> Outcome {
    let empty = Members::new();
    let members = body.as_object().unwrap_or(&empty);
    match dispatch(organisation, place, members, manner, work) {
        Ok(written) => {
            let shown = shown(organisation, place, &written, work);
            Outcome::Saved(written, shown)
        }
        Err(complaints) => Outcome::Refused(body.clone(), complaints),
    }
}

fn dispatch(
    organisation: &mut Organisation,
    place: &Place,
    body: &Members,
    manner: Manner,
    work: &Work,
) -> Verdict<Written> {
    let resolved = place
        .key
        .as_deref()
        .and_then(|key| listing::resolve(organisation, place.kind, key));
    let id = resolved.as_deref();
    let key = id.unwrap_or_default();
    match (&place.below, place.kind) {
        (Some((Below::Allocations, _)), kind) => {
            allocation::create(organisation, kind, key, body, work)
        }
        (Some((Below::History, _)), kind) => note(organisation, kind, key, body, work),
        (Some((Below::Options, _)), _) => chart::category(organisation, body, id, true, work),
        (None, kind @ (Kind::Invoice | Kind::CreditNote)) => {
            billing::write(organisation, kind, body, manner, id, work)
        }
        (None, Kind::Contact) => contact::write(organisation, body, manner, id, work),
        (None, Kind::Payment) => match id {
            Some(id) => payment::change(organisation, id, body, work),
            None => payment::create(organisation, body, work),
        },
        (None, Kind::BatchPayment) => match id.or_else(|| word(body, "BatchPaymentID")) {
            Some(id) => payment::change_batch(organisation, id, body, work),
            None => payment::create_batch(organisation, body, work),
        },
        (None, Kind::BankTransaction) => bank::write(organisation, body, manner, id, work),
        (None, Kind::Account) => chart::account(organisation, body, id, work),
        (None, Kind::TaxRate) => chart::tax_rate(organisation, body, manner, work),
        (None, Kind::Item) => chart::item(organisation, body, manner, id, work),
        (None, Kind::TrackingCategory) => chart::category(organisation, body, id, false, work),
        (None, Kind::Currency) => currency(organisation, body),
        (None, _) => Err(Complaints::one("This cannot be written")),
    }
}

fn note(
    organisation: &mut Organisation,
    kind: Kind,
    id: &str,
    body: &Members,
    work: &Work,
) -> Verdict<Written> {
    let details = word(body, "Details");
    let details = details.ok_or_else(|| Complaints::one("Details must be specified"))?;
    organisation
        .history
        .add(id, "Note", details, &work.user, work.now);
    Ok(Written {
        kind,
        id: id.to_owned(),
        touched: Vec::new(),
        warnings: Vec::new(),
    })
}

fn currency(organisation: &mut Organisation, body: &Members) -> Verdict<Written> {
    let code = word(body, "Code").unwrap_or_default();
    if code.len() != 3 || !code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return Err(Complaints::one("The currency code is not valid"));
    }
    if !organisation.profile.has_currency(code) {
        organisation.profile.currencies.push(code.to_owned());
    }
    Ok(Written::new(Kind::Currency, code, "created", 1))
}

/// What was written, as the reply shows it.
fn shown(organisation: &Organisation, place: &Place, written: &Written, work: &Work) -> Value {
    match place.below {
        Some((Below::Allocations, _)) => {
            let key = place.key.as_deref().unwrap_or_default();
            let credit = billing::find(organisation, place.kind, key);
            let mut parts = credit.into_iter().flat_map(|credit| &credit.allocations);
            let made = parts.find(|part| part.id == written.id);
            made.map_or(Value::Null, render::allocation)
        }
        Some((Below::History, _)) => {
            let records = organisation.history.of(&written.id);
            records.into_iter().next().unwrap_or(Value::Null)
        }
        Some((Below::Options, _)) => {
            let category = organisation.categories.get(&written.id);
            let made = category.and_then(|category| category.options.last());
            made.map_or(Value::Null, |option| {
                json!({
                    "TrackingOptionID": option.id, "Name": option.name, "Status": option.status,
                })
            })
        }
        None => {
            let view = View::full(work.unit_places);
            let shown = listing::show(organisation, written.kind, &written.id, work.now, view);
            shown.unwrap_or(Value::Null)
        }
    }
}

fn delete(
    organisation: &mut Organisation,
    call: &Call,
    place: &Place,
    conditions: Conditions<'_>,
) -> Answer {
    let work = conditions.work(organisation, call);
    let key = place.key.as_deref().unwrap_or_default();
    match (&place.below, place.kind) {
        (Some((Below::Allocations, Some(allocation_id))), kind) if is_credit(kind) => {
            match allocation::delete(organisation, kind, key, allocation_id, &work) {
                None => refusal::not_found(),
                Some(Err(complaints)) => refused(&complaints, place, conditions),
                Some(Ok((taken_back, written))) => {
                    // One object without an envelope (fact sheet 4.4).
                    let mut body = render::allocation(&taken_back);
                    body["IsDeleted"] = json!(true);
                    Answer::success(&body, written.touched)
                }
            }
        }
        (None, Kind::Account) => {
            let status = Members::from_iter([("Status".to_owned(), json!("DELETED"))]);
            if organisation.accounts.get(key).is_none() {
                return refusal::not_found();
            }
            match chart::account(organisation, &status, Some(key), &work) {
                Ok(written) => {
                    let mut envelope = conditions.envelope();
                    let shown = shown(organisation, place, &written, &work);
                    envelope[place.kind.plural()] = json!([shown]);
                    Answer::success(&envelope, written.touched)
                }
                Err(complaints) => refused(&complaints, place, conditions),
            }
        }
        _ => refusal::not_implemented(),
    }
}

fn refused(complaints: &Complaints, place: &Place, conditions: Conditions<'_>) -> Answer {
    let outcome = Outcome::Refused(json!({}), complaints.clone());
    let form = Form {
        kind: place.kind,
        plural: place.kind.plural(),
        summarizes: true,
        wording: &conditions.settings.wording,
    };
    elements::answer(vec![outcome], form, conditions.envelope())
}
