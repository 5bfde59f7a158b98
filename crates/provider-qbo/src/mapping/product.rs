//! A product code as a service item, for integrations that let Tieout make items.
//!
//! The item's income account is chosen once, when it is made; afterwards account, price and description belong to
//! whoever keeps the books. Changes are sent sparse for the same reason. The marker stands behind the code in the
//! SKU, which is shown nowhere on a customer's paper.

use model::document::Product;
use model::{DocumentKind, Failure, FailureKind, Lifecycle, Operation};
use provider_kit::{Effect, Link, LinkState, Prediction, Step, View};

use super::owned::Owned;
use super::{Planned, Stop, text, update};
use crate::wire::{Item, Ref};
use crate::{ITEM, failures};

/// What the item is called in sentences.
const THING: &str = "product or service";

/// What a product code needs in these books.
pub(super) fn plan(view: &View<'_>, product: &Product) -> Planned<Vec<Step>> {
    let is_mapped = view
        .settings
        .item_ids
        .get(&product.code)
        .is_some_and(|id| !id.trim().is_empty());
    if is_mapped {
        return Err(Stop::Skip("mapped to an item of the books"));
    }
    let document = view.document;
    let is_live = document.lifecycle == Lifecycle::Live;
    let link = view
        .links
        .get(DocumentKind::Product, &document.id, &Effect::main(ITEM));
    match link {
        Some(link) => plan_update(view, product, link, is_live),
        None if !is_live => Err(Stop::Skip(super::NEVER_SENT)),
        None if !view.settings.create_items => Err(Stop::Skip(
            "this integration makes no items; its default item is used",
        )),
        None => Ok(vec![create(view, product)?]),
    }
}

fn create(view: &View<'_>, product: &Product) -> Result<Step, Failure> {
    let mut wanted = item(product)?;
    wanted.kind = Some("Service".to_owned());
    wanted.income_account_ref = Some(Ref::to(&income_account(view)?));
    let code = text::one_line(&product.code);
    wanted.sku = (!code.is_empty()).then_some(code);
    Ok(Step {
        effect: Effect::main(ITEM),
        operation: Operation::Create,
        target: None,
        fingerprint: Owned::of_item(&wanted).fingerprint(),
        body: super::body(&wanted)?,
        prediction: Prediction::NoTotals,
    })
}

fn plan_update(
    view: &View<'_>,
    product: &Product,
    link: &Link,
    is_live: bool,
) -> Planned<Vec<Step>> {
    let mut wanted = item(product)?;
    wanted.active = Some(is_live);
    let owned = Owned::of_item(&wanted);
    let is_settled = match link.state {
        LinkState::Active => true,
        LinkState::Inactive | LinkState::Ended => !is_live,
        LinkState::Gone => return Err(failures::deleted_in_books(THING).into()),
    };
    if is_settled && link.fingerprint == owned.fingerprint() {
        return Ok(Vec::new());
    }
    let effect = Effect::main(ITEM);
    let Some(current) = update::look(view, &effect, link)? else {
        return Err(failures::deleted_in_books(THING).into());
    };
    let seen = Item::read(&current.body).ok_or_else(|| failures::unreadable(THING))?;
    if !update::is_needed(link, current, &owned, &Owned::of_item(&seen), THING)? {
        return Ok(Vec::new());
    }
    wanted.sku = update::kept_note(seen.sku.as_deref());
    Ok(vec![Step {
        effect,
        operation: Operation::Update,
        target: Some(update::target(link, current)),
        body: super::body(&wanted)?,
        prediction: Prediction::NoTotals,
        fingerprint: owned.fingerprint(),
    }])
}

/// The item we want, without kind, account and code.
fn item(product: &Product) -> Result<Item, Failure> {
    let name = text::item_name(&product.name);
    if name.is_empty() {
        return Err(Failure::new(
            FailureKind::Rejected,
            "NAME_MISSING",
            "This product code has no letters or digits that QuickBooks could name an item by. Choose an item for \
             it in the integration's settings, then send it again.",
        ));
    }
    Ok(Item {
        name: Some(name),
        ..Item::default()
    })
}

/// The account that sales of new items are booked on: the integration's, which must be one for income.
fn income_account(view: &View<'_>) -> Result<String, Failure> {
    let chosen = view.settings.invoice_account_id.as_deref();
    let Some(id) = chosen.map(str::trim).filter(|id| !id.is_empty()) else {
        return Err(account_failure(
            "ACCOUNT_NOT_CHOSEN",
            "Tieout is to make items in QuickBooks, and no revenue account is chosen for them.",
        ));
    };
    let Some(account) = view.references.account(id) else {
        return Ok(id.to_owned());
    };
    if !account.is_active {
        return Err(account_failure(
            "ACCOUNT_INACTIVE",
            "The revenue account of this integration is inactive in QuickBooks.",
        ));
    }
    if !matches!(account.account_type.as_str(), "Income" | "Other Income") {
        return Err(account_failure(
            "ACCOUNT_TYPE",
            "The revenue account of this integration is not an account for income in QuickBooks.",
        ));
    }
    Ok(id.to_owned())
}

fn account_failure(code: &str, what: &str) -> Failure {
    Failure::new(
        FailureKind::Rejected,
        code,
        format!(
            "{what} Choose an active income account in the integration's settings, then send it again."
        ),
    )
}
