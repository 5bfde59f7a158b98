//! Closing an unclear call: adopt what is there; after settle and two look-ups, send the same bytes again when
//! all of it is absent, else let the absent ones go in a new call.

use std::time::Duration;

use model::{Failure, FailureKind, Lane, RetryPolicy};
use provider_kit::http;
use provider_kit::{
    ElementResult, Judgement, Marker, Method, PastCall, PastMember, Presence, Reply, Request,
};
use serde_json::Value;
use store::StoreError;
use store::claim::Claimed;
use store::intent::Purpose;
use store::record::{Basis, ItemMove, Next, Outcome};
use store::verify::{OpenCall, OpenMember};
use uuid::Uuid;

use crate::Inner;
use crate::calling::{CallEnd, Sending};
use crate::metrics::CALLS_RESENT;
use crate::outcome::{Halt, Member};
use crate::tokens::Bearer;
use crate::work::{Books, Planned, moved};

/// Most pages of one look-up.
const MOST_PAGES: usize = 50;

/// An open call taken back from its rows.
struct Unclear {
    open: OpenCall,
    past: PastCall,
    planned: Vec<Planned>,
}

impl Inner {
    /// Closes one open call, or finds that it must wait.
    pub(crate) async fn close_call(
        &self,
        books: &Books,
        call: Uuid,
        claimed: &[Claimed],
    ) -> CallEnd {
        match self.try_close(books, call, claimed).await {
            Ok(end) => end,
            Err(error) => {
                tracing::error!(
                    "an open call could not be closed: {}",
                    runtime::chain(&error)
                );
                self.board.lose(books.held.run);
                CallEnd::lost()
            }
        }
    }

    async fn try_close(
        &self,
        books: &Books,
        call: Uuid,
        claimed: &[Claimed],
    ) -> Result<CallEnd, StoreError> {
        let Some(open) = self.store.open_call(&books.held, call).await? else {
            // Its late reply closed it meanwhile and moved the items; what is still in hand is planned again.
            self.move_items(
                books,
                claimed.iter().map(|c| moved(c, Next::More)).collect(),
            )
            .await?;
            return Ok(CallEnd::default());
        };
        let unclear = match Unclear::read(open, books) {
            Ok(unclear) => unclear,
            Err(error) => return self.damaged(books, claimed, &error).await,
        };
        if let Some((status, headers, body)) = unclear.open.reply.clone() {
            let reply = Reply {
                status,
                headers: serde_json::from_value(headers).unwrap_or_default(),
                body,
            };
            // A reply that leaves a member unclear was read when it came: reading it again says nothing new.
            let result = self.provider.classify(&unclear.past, &reply);
            if result.elements.len() == unclear.open.members.len()
                && !result.elements.iter().any(is_unclear)
            {
                let sending = unclear.sending(books, unclear.open.sends, None);
                return self
                    .settle_reply(&sending, &unclear.members(), &reply)
                    .await;
            }
        }
        match self.judge(books, &unclear).await {
            Ok(presences) => self.close_judged(books, &unclear, presences).await,
            Err(failure) => self.look_later(books, &unclear, &failure).await,
        }
    }

    async fn judge(&self, books: &Books, unclear: &Unclear) -> Result<Vec<Presence>, Failure> {
        let mut wanted = self.provider.lookups(&unclear.past, &books.facts);
        let mut replies = Vec::new();
        loop {
            for request in wanted {
                if replies.len() >= MOST_PAGES {
                    return Err(Failure::new(
                        FailureKind::Defect,
                        "LOOKUP_TOO_LONG",
                        "A look-up needs more pages than it may read.",
                    ));
                }
                replies.push(
                    self.perform(
                        books,
                        request,
                        Purpose::Lookup,
                        Some(unclear.open.id),
                        Lane::Live,
                    )
                    .await?,
                );
            }
            match self.provider.judge(&unclear.past, &replies)? {
                Judgement::Settled(presences) => return Ok(presences),
                Judgement::More(pages) => wanted = pages,
            }
        }
    }

    async fn close_judged(
        &self,
        books: &Books,
        unclear: &Unclear,
        presences: Vec<Presence>,
    ) -> Result<CallEnd, StoreError> {
        let open = &unclear.open;
        // Absence: two look-ups, the last begun after settle (`settled` was read before this one began).
        let is_proven = open.settled && open.absent_before;
        let members = unclear.members();
        let all_absent =
            presences.len() == members.len() && presences.iter().all(|p| *p == Presence::Absent);
        if is_proven && all_absent && open.members.iter().all(|m| m.is_open) {
            return self.send_again(books, unclear, &members).await;
        }
        let look_again = if open.settled {
            self.policy.retry.first_lookup_delay
        } else {
            open.settles_in.max(Duration::from_millis(50))
        };
        let still_open: Vec<_> = open
            .members
            .iter()
            .zip(&members)
            .zip(presences)
            .filter(|((m, _), _)| m.is_open)
            .collect();
        let any_absent = still_open
            .iter()
            .any(|(_, presence)| *presence == Presence::Absent);
        let elements: Vec<_> = still_open
            .into_iter()
            .map(|((_, member), presence)| {
                member.looked_up(presence, is_proven, look_again, &self.policy)
            })
            .collect();
        let is_closed = !elements
            .iter()
            .any(|e| matches!(e.outcome, Outcome::Unknown(_)));
        let close = is_closed.then_some("looked up");
        self.commit_record(
            books,
            open.id,
            unclear.basis(books),
            close,
            any_absent,
            elements,
        )
        .await?;
        Ok(CallEnd::default())
    }

    /// The same bytes under the same key, until a definite answer ends the key.
    async fn send_again(
        &self,
        books: &Books,
        unclear: &Unclear,
        members: &[Member<'_>],
    ) -> Result<CallEnd, StoreError> {
        let bearer = match self.bearer(books).await {
            Ok(bearer) => bearer,
            Err(failure) => return self.look_later(books, unclear, &failure).await,
        };
        let Some(request) = unclear.request() else {
            return Err(StoreError::Damaged(format!(
                "request of {}",
                unclear.open.id
            )));
        };
        let permit = match self.permit(books, request.cost, Lane::Live).await {
            Ok(permit) => permit,
            Err(failure) => return self.look_later(books, unclear, &failure).await,
        };
        let Some(send_before) = self
            .send_before(books)
            .map(|until| until.min(permit.send_before()))
        else {
            self.hand_back(books, permit, None);
            return Ok(CallEnd::lost());
        };
        let Some(number) = self
            .store
            .resend(
                &books.held,
                unclear.open.id,
                unclear.open.sends,
                self.policy.settle,
            )
            .await?
        else {
            self.hand_back(books, permit, None);
            self.board.lose(books.held.run);
            return Ok(CallEnd::lost());
        };
        CALLS_RESENT.increment(());
        runtime::halt::point("09-resend-intended");
        let purpose = if request.cost.batch {
            http::Purpose::Batch
        } else {
            http::Purpose::Write
        };
        let sent = self
            .send(&request, bearer.as_ref(), send_before, purpose)
            .await;
        self.hand_back(books, permit, Some(&sent));
        self.settle_sent(
            &unclear.sending(books, number, bearer.as_ref()),
            members,
            sent,
        )
        .await
    }

    async fn look_later(
        &self,
        books: &Books,
        unclear: &Unclear,
        failure: &Failure,
    ) -> Result<CallEnd, StoreError> {
        let members = unclear.members();
        let attempts = members.iter().map(|m| m.item.attempts).max().unwrap_or(0);
        let seed = unclear.open.id.uuid().as_u64_pair().1;
        let (next, halt) = crate::outcome::next_after(failure, attempts, &self.policy, seed);
        let (after, counts) = look_up_after(&next, halt.as_ref(), &self.policy.retry);
        let elements = members
            .iter()
            .map(|m| m.lookup_failed(failure, after, counts))
            .collect();
        self.commit_record(
            books,
            unclear.open.id,
            unclear.basis(books),
            None,
            false,
            elements,
        )
        .await?;
        Ok(CallEnd::halted(halt))
    }

    async fn damaged(
        &self,
        books: &Books,
        claimed: &[Claimed],
        error: &StoreError,
    ) -> Result<CallEnd, StoreError> {
        let failure = Failure::new(
            FailureKind::Defect,
            "CALL_UNREADABLE",
            "An earlier call of this document cannot be read back. An operator must look before it is sent again.",
        )
        .with_detail(runtime::chain(error));
        let give_up = Next::GiveUp {
            owner: failure.owner,
            failure,
        };
        self.move_items(
            books,
            claimed.iter().map(|c| moved(c, give_up.clone())).collect(),
        )
        .await?;
        Ok(CallEnd::default())
    }
}

/// When a look-up that did not come about is due again, and whether it counts as a try. One that only waited
/// for our own pace asked nothing: it goes on when the pace allows.
fn look_up_after(next: &Next, halt: Option<&Halt>, policy: &RetryPolicy) -> (Duration, bool) {
    match (next, halt) {
        (Next::More, Some(pause)) => (pause.wait, false),
        (Next::Later { after, .. }, _) => (*after, true),
        _ => (policy.longest_delay, true),
    }
}

impl Unclear {
    fn read(open: OpenCall, books: &Books) -> Result<Self, StoreError> {
        let damaged =
            |e: serde_json::Error| StoreError::Damaged(format!("attempt of {}: {e}", open.id));
        let mut all_planned = Vec::with_capacity(open.members.len());
        let mut members = Vec::with_capacity(open.members.len());
        for member in &open.members {
            let planned: Planned = serde_json::from_value(member.step.clone()).map_err(damaged)?;
            let marker: Marker = serde_json::from_value(member.marker.clone()).map_err(damaged)?;
            let ordinal = usize::try_from(member.ordinal).unwrap_or(0);
            members.push(PastMember {
                ordinal,
                kind: member.kind,
                step: planned.step.clone(),
                marker,
            });
            all_planned.push(planned);
        }
        let past = PastCall {
            key: open.key.clone(),
            members,
            opened_at: open.opened_at,
            books_external_id: books.facts.external_id.clone(),
        };
        Ok(Self {
            open,
            past,
            planned: all_planned,
        })
    }

    /// What a look-up that began now rests on.
    fn basis(&self, books: &Books) -> Basis {
        Basis::Holder {
            held: books.held,
            sending: self.open.sends,
        }
    }

    fn sending<'a>(
        &'a self,
        books: &'a Books,
        number: i32,
        bearer: Option<&'a Bearer>,
    ) -> Sending<'a> {
        Sending {
            books,
            call: self.open.id,
            past: &self.past,
            number,
            bearer,
            settled: self.open.settled && self.open.sends == number,
        }
    }

    /// All members, closed ones too: what is recorded of those is refused by their outcome.
    fn members(&self) -> Vec<Member<'_>> {
        self.open
            .members
            .iter()
            .zip(&self.planned)
            .map(|(member, planned)| Member {
                attempt: member.attempt,
                effect: member.effect,
                planned,
                item: ItemMove {
                    rest_is_done: planned.rest_is_done,
                    ..item_of(member)
                },
                started_at: self.open.opened_at,
            })
            .collect()
    }

    fn request(&self) -> Option<Request> {
        let stored = &self.open.request;
        let read = |name: &str| stored.get(name).cloned().unwrap_or(Value::Null);
        Some(Request {
            method: serde_json::from_value::<Method>(read("method")).ok()?,
            path: stored.get("path")?.as_str()?.to_owned(),
            query: serde_json::from_value(read("query")).ok()?,
            headers: serde_json::from_value(read("headers")).ok()?,
            body: self.open.body.clone(),
            cost: serde_json::from_value(read("cost")).ok()?,
        })
    }
}

fn is_unclear(element: &ElementResult) -> bool {
    matches!(element, ElementResult::Failed(failure) if failure.kind == FailureKind::OutcomeUnknown)
}

fn item_of(member: &OpenMember) -> ItemMove {
    ItemMove {
        item: member.item,
        kind: member.kind,
        source_id: member.source_id.clone(),
        version: member.version,
        trace: member.trace.clone(),
        attempts: member.attempts,
        claim: None,
        wanted_at: member.wanted_at,
        seen: Vec::new(),
        states: Vec::new(),
        rest_is_done: false,
        next: Next::More,
    }
}

#[cfg(test)]
#[path = "closing_tests.rs"]
mod tests;
