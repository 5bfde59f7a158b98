//! The customer of a document: the link of its client, and what is said when that cannot be used.

use model::document::ClientSnapshot;
use model::{DocumentKind, Failure, FailureKind, Owner};
use provider_kit::{Effect, LinkState, Need, View};

use crate::CUSTOMER;

/// The customer's id, or the need of it.
pub(super) fn customer_of(
    view: &View<'_>,
    client: &ClientSnapshot,
) -> Result<Result<String, Need>, Failure> {
    let effect = Effect::main(CUSTOMER);
    let Some(link) = view.links.get(DocumentKind::Client, &client.id, &effect) else {
        return Ok(Err(Need::Document {
            kind: DocumentKind::Client,
            id: client.id.clone(),
        }));
    };
    match link.state {
        LinkState::Active => Ok(Ok(link.external_id.clone())),
        LinkState::Inactive | LinkState::Ended => Err(Failure::new(
            FailureKind::Conflict,
            "CUSTOMER_INACTIVE",
            "The customer of this document is inactive in QuickBooks, and QuickBooks takes no changes for \
             inactive customers. Make the customer active there, or move the document to another client in \
             ProjectLedger.",
        )
        .owned_by(Owner::Bookkeeper)),
        LinkState::Gone => Err(Failure::new(
            FailureKind::Conflict,
            "CUSTOMER_GONE",
            "The customer of this document was deleted or merged in QuickBooks. Choose which customer stands \
             for this client, or let Tieout create it again.",
        )
        .owned_by(Owner::Bookkeeper)),
    }
}
