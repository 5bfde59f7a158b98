//! One call from intent to record: commit first, send before the deadline, keep the raw reply, then record.

use std::time::{Duration, Instant};

use model::{CallId, Failure, FailureKind, Lane, Operation};
use provider_kit::http::{Labels, Purpose, SendError};
use provider_kit::{ElementResult, External, PastCall, Reply, Request};
use serde_json::json;
use store::StoreError;
use store::intent::{Intended, Refusal};
use store::record::{Basis, Element, ItemMove, Next, Outcome, RawReply, Record};
use store::units::{Unit, Unitary};

use crate::Inner;
use crate::metrics::{ATTEMPTS, End, SYNC_TIME};
use crate::news::tell;
use crate::outcome::{Halt, Member, unclear};
use crate::parts::{key_of, members_of, past_call, write_intent};
use crate::tokens::Bearer;
use crate::work::{Books, Work, moved};

/// How a call ended, as far as the holder must know.
#[derive(Debug, Default)]
pub(crate) struct CallEnd {
    /// The whole books should pause.
    pub(crate) halt: Option<Halt>,
    /// The lease is somebody else's.
    pub(crate) is_lost: bool,
}

impl CallEnd {
    pub(crate) const fn lost() -> Self {
        Self {
            halt: None,
            is_lost: true,
        }
    }

    pub(crate) const fn halted(halt: Option<Halt>) -> Self {
        Self {
            halt,
            is_lost: false,
        }
    }
}

/// One sending of a call. From the second on the same bytes had been sent before, so that a success may be
/// the replay of an old reply and is confirmed by one read.
pub(crate) struct Sending<'a> {
    pub(crate) books: &'a Books,
    pub(crate) call: CallId,
    pub(crate) past: &'a PastCall,
    pub(crate) number: i32,
    pub(crate) bearer: Option<&'a Bearer>,
    /// A whole settle has passed since this sending: what a read does not show now is not there.
    pub(crate) settled: bool,
}

/// What became of sending.
pub(crate) enum Sent {
    /// A whole reply.
    Replied(Reply),
    /// Provably nothing left.
    NotAtAll(Failure),
    /// Something may have left.
    Unclear(Failure),
}

impl Inner {
    /// Brings the effects of `works` about in one call.
    pub(crate) async fn bring_about(&self, books: &Books, works: Vec<Work>) -> CallEnd {
        match self.try_bring_about(books, works).await {
            Ok(end) => end,
            Err(error) => {
                // Nothing more is known here; what is open is found by the next holder.
                tracing::error!("a call could not be recorded: {}", runtime::chain(&error));
                self.board.lose(books.held.run);
                CallEnd::lost()
            }
        }
    }

    async fn try_bring_about(
        &self,
        books: &Books,
        works: Vec<Work>,
    ) -> Result<CallEnd, StoreError> {
        let works = works.as_slice();
        let bearer = match self.bearer(books).await {
            Ok(bearer) => bearer,
            Err(failure) => return self.put_back(books, works, failure).await,
        };
        let call = CallId::fresh();
        let key = key_of(call);
        let members: Vec<_> = works
            .iter()
            .enumerate()
            .map(|(ordinal, work)| provider_kit::Member {
                ordinal,
                kind: work.claimed.kind,
                step: &work.planned.step,
                marker: &work.marker,
            })
            .collect();
        let request = match self.provider.encode(&members, &key, &books.facts) {
            Ok(request) => request,
            Err(failure) => return self.put_back(books, works, failure).await,
        };
        runtime::halt::point("08-planned");
        let lane = works
            .iter()
            .map(|w| w.claimed.lane)
            .min()
            .unwrap_or(Lane::Bulk);
        let permit = match self.permit(books, request.cost, lane).await {
            Ok(permit) => permit,
            Err(failure) => return self.put_back(books, works, failure).await,
        };
        // S5: both instants are taken before the intent is issued.
        let Some(send_before) = self
            .send_before(books)
            .map(|until| until.min(permit.send_before()))
        else {
            self.hand_back(books, permit, None);
            return Ok(CallEnd::lost());
        };
        let intent = write_intent(books, call, &key, &request, works, self.policy.settle);
        let opened_at = match self.recorder.commit(Unit::Intent(Box::new(intent))).await? {
            Unitary::Intended(Intended::Committed { opened_at }) => opened_at,
            Unitary::Intended(Intended::Refused(refusals)) => {
                self.hand_back(books, permit, None);
                return self.refused(books, works, &refusals).await;
            }
            Unitary::Intended(Intended::LeaseLost)
            | Unitary::Kept
            | Unitary::Recorded(_)
            | Unitary::Moved(_) => {
                self.hand_back(books, permit, None);
                self.board.lose(books.held.run);
                return Ok(CallEnd::lost());
            }
        };
        runtime::halt::point("09-intended");
        let purpose = if request.cost.batch {
            Purpose::Batch
        } else {
            Purpose::Write
        };
        let sent = self
            .send(&request, bearer.as_ref(), send_before, purpose)
            .await;
        self.hand_back(books, permit, Some(&sent));
        let past = past_call(key, works, opened_at, books);
        let sending = Sending {
            books,
            call,
            past: &past,
            number: 1,
            bearer: bearer.as_ref(),
            settled: false,
        };
        self.settle_sent(&sending, &members_of(works, opened_at), sent)
            .await
    }

    /// From what sending led to, to the record.
    pub(crate) async fn settle_sent(
        &self,
        sending: &Sending<'_>,
        members: &[Member<'_>],
        sent: Sent,
    ) -> Result<CallEnd, StoreError> {
        let holder = Basis::Holder {
            held: sending.books.held,
            sending: sending.number,
        };
        let reply = match sent {
            Sent::Replied(reply) => reply,
            Sent::NotAtAll(failure) if sending.number == 1 => {
                let each = members
                    .iter()
                    .map(|m| m.not_sent(failure.clone(), &self.policy))
                    .collect();
                return self.record(sending, holder, Some("not sent"), each).await;
            }
            Sent::NotAtAll(failure) | Sent::Unclear(failure) => {
                let wait = self.policy.retry.first_lookup_delay;
                let each = members
                    .iter()
                    .map(|m| (m.lookup_failed(&failure, wait, false), None))
                    .collect();
                return self
                    .record(
                        sending,
                        Basis::Reply {
                            sending: sending.number,
                        },
                        None,
                        each,
                    )
                    .await;
            }
        };
        runtime::halt::point("10-replied");
        self.keep_reply(sending, &reply).await?;
        runtime::halt::point("11-reply-stored");
        self.settle_reply(sending, members, &reply).await
    }

    /// From a whole reply to the record.
    pub(crate) async fn settle_reply(
        &self,
        sending: &Sending<'_>,
        members: &[Member<'_>],
        reply: &Reply,
    ) -> Result<CallEnd, StoreError> {
        let result = self.provider.classify(sending.past, reply);
        if result.elements.len() != members.len() {
            tracing::error!(
                "the provider read {} results from a call of {}",
                result.elements.len(),
                members.len()
            );
        }
        let mut elements = result.elements;
        elements.resize(
            members.len(),
            ElementResult::Failed(unclear("the reply says nothing of this document")),
        );
        if sending.number > 1 {
            self.confirm(sending, &mut elements).await;
        }
        self.renew_if_refused(sending, &mut elements).await;
        let each = members
            .iter()
            .zip(elements)
            .map(|(member, element)| member.replied(element, &self.policy))
            .collect();
        self.record(
            sending,
            Basis::Reply {
                sending: sending.number,
            },
            Some("answered"),
            each,
        )
        .await
    }

    /// The answer to a repeated call may be the replay of an old one: each success is read back. Reads lag, so
    /// that before settle an object that is not seen may still be coming.
    async fn confirm(&self, sending: &Sending<'_>, elements: &mut [ElementResult]) {
        let books = sending.books;
        for (member, element) in sending.past.members.iter().zip(elements) {
            let ElementResult::Done(landed) = element else {
                continue;
            };
            if member.step.operation != Operation::Create {
                continue;
            }
            let target = External {
                id: landed.external_id.clone(),
                revision: landed.revision.clone(),
            };
            let read = self
                .read_current(books, &member.step.effect.kind, &[target])
                .await;
            match read {
                Ok(found)
                    if found
                        .iter()
                        .any(|c| c.landed.external_id == landed.external_id) => {}
                Ok(_) if !sending.settled => {
                    *element = ElementResult::Failed(unclear(
                        "created, and not to be seen in the books yet; looked up again before it counts",
                    ));
                }
                Ok(_) => {
                    *element = ElementResult::Failed(Failure::new(
                        FailureKind::Conflict,
                        "DELETED_IN_BOOKS",
                        "This document was created in the books and deleted there since. Replay it to create it again, \
                         or exclude it.",
                    ));
                }
                Err(failure) => {
                    tracing::warn!(
                        "a repeated call could not be confirmed: {}",
                        failure.message
                    );
                    *element = ElementResult::Failed(unclear(
                        "the answer to a repeated call could not be confirmed yet",
                    ));
                }
            }
        }
    }

    /// A refused token is renewed once per generation; what was refused for it is then tried again at once.
    async fn renew_if_refused(&self, sending: &Sending<'_>, elements: &mut [ElementResult]) {
        let is_refused = |e: &ElementResult| matches!(e, ElementResult::Failed(f) if f.kind == FailureKind::Unauthorized);
        let (Some(bearer), Some(id)) = (sending.bearer, sending.books.token_set) else {
            return;
        };
        if !elements.iter().any(is_refused) {
            return;
        }
        match self
            .tokens
            .refused(sending.books.held.account, id, bearer.generation)
            .await
        {
            Ok(()) => {
                for element in elements.iter_mut().filter(|e| is_refused(e)) {
                    *element = ElementResult::Failed(Failure::new(
                        FailureKind::Unreachable,
                        "ACCESS_RENEWED",
                        "The connection's access had run out and was renewed; it is tried again by itself.",
                    ));
                }
            }
            Err(failure) => {
                tracing::warn!(
                    code = failure.code,
                    "the connection's token was refused: {}",
                    failure.message
                );
            }
        }
    }

    async fn record(
        &self,
        sending: &Sending<'_>,
        basis: Basis,
        close: Option<&'static str>,
        each: Vec<(Element, Option<Halt>)>,
    ) -> Result<CallEnd, StoreError> {
        let (elements, halts): (Vec<_>, Vec<_>) = each.into_iter().unzip();
        let unknown = elements
            .iter()
            .any(|e| matches!(e.outcome, Outcome::Unknown(_)));
        let halt = halts.into_iter().flatten().max_by_key(|h| h.wait);
        let close = if unknown { None } else { close };
        self.commit_record(sending.books, sending.call, basis, close, false, elements)
            .await?;
        Ok(CallEnd::halted(halt))
    }

    /// S6.
    pub(crate) async fn commit_record(
        &self,
        books: &Books,
        call: CallId,
        basis: Basis,
        close: Option<&'static str>,
        absent: bool,
        elements: Vec<Element>,
    ) -> Result<(), StoreError> {
        let waited: Vec<_> = elements
            .iter()
            .filter(|e| matches!(e.item.next, Next::Finished { .. }))
            .filter_map(|e| (self.clock.now() - e.item.wanted_at).to_std().ok())
            .collect();
        for element in &elements {
            tell(element);
        }
        let record = Record {
            books: books.held.books,
            account: books.held.account,
            integration: books.held.integration,
            provider: books.provider.clone(),
            call: Some(call),
            basis,
            close,
            absent,
            elements,
        };
        if let Unitary::Recorded(done) =
            self.recorder.commit(Unit::Record(Box::new(record))).await?
        {
            ATTEMPTS.add(End::Late, u64::from(done.late));
            for time in waited {
                SYNC_TIME.record((), time);
            }
        }
        runtime::halt::point("12-recorded");
        Ok(())
    }

    async fn keep_reply(&self, sending: &Sending<'_>, reply: &Reply) -> Result<(), StoreError> {
        let raw = RawReply {
            account: sending.books.held.account,
            books: sending.books.held.books,
            call: sending.call,
            sending: sending.number,
            status: reply.status,
            headers: json!(
                reply
                    .headers
                    .iter()
                    .map(|(n, v)| (n, v.replace('\0', "")))
                    .collect::<Vec<_>>()
            ),
            body: reply.body.clone(),
            correlation: reply
                .header("intuit_tid")
                .or_else(|| reply.header("xero-correlation-id"))
                .map(str::to_owned),
        };
        self.recorder
            .commit(Unit::Reply(Box::new(raw)))
            .await
            .map(|_| ())
    }

    /// Nothing was intended: the items go where the failure says.
    async fn put_back(
        &self,
        books: &Books,
        works: &[Work],
        failure: Failure,
    ) -> Result<CallEnd, StoreError> {
        let mut halt = None;
        let mut moves = Vec::with_capacity(works.len());
        for work in works {
            let item = moved(&work.claimed, Next::More);
            let seed = crate::outcome::seed(&item);
            let (next, each) =
                crate::outcome::next_after(&failure, work.claimed.attempts, &self.policy, seed);
            halt = halt.or(each);
            moves.push(ItemMove { next, ..item });
        }
        self.move_items(books, moves).await?;
        Ok(CallEnd::halted(halt))
    }

    /// Items moved without a call; a lost lease is noted.
    pub(crate) async fn move_items(
        &self,
        books: &Books,
        moves: Vec<ItemMove>,
    ) -> Result<(), StoreError> {
        if moves.is_empty() {
            return Ok(());
        }
        let unit = Unit::Moves {
            held: books.held,
            provider: books.provider.clone(),
            moves,
        };
        if self.recorder.commit(unit).await? == Unitary::Moved(false) {
            self.board.lose(books.held.run);
        }
        Ok(())
    }

    /// An effect has an open attempt or an unread late reply: nothing of this call was written.
    async fn refused(
        &self,
        books: &Books,
        works: &[Work],
        refusals: &[Refusal],
    ) -> Result<CallEnd, StoreError> {
        let mut moves = Vec::with_capacity(works.len());
        for work in works {
            let next = match refusals
                .iter()
                .find(|r| refusal_item(r) == work.claimed.item)
            {
                Some(Refusal::OpenAttempt(_)) => Next::Verify {
                    after: Duration::ZERO,
                    reason: "an earlier call's outcome is not known yet".to_owned(),
                    counts: false,
                },
                Some(Refusal::LateReply(item)) => self.after_late_reply(books, *item).await?,
                // What is not in hand any more is not moved by this, either: its claim is not the latest.
                Some(Refusal::NotInHand(_)) | None => Next::More,
            };
            moves.push(moved(&work.claimed, next));
        }
        self.move_items(books, moves).await?;
        Ok(CallEnd::default())
    }

    async fn after_late_reply(
        &self,
        books: &Books,
        item: model::ItemId,
    ) -> Result<Next, StoreError> {
        use store::verify::LateReply;
        let read = self.store.read_late_replies(&books.held, item).await?;
        Ok(match read {
            LateReply::None | LateReply::Adopted => Next::More,
            LateReply::Duplicate => {
                let failure = Failure::new(
                    FailureKind::Conflict,
                    "DUPLICATE_IN_BOOKS",
                    "The books hold this document twice; the finding names both. Delete one of them in the books.",
                );
                Next::Park {
                    owner: failure.owner,
                    failure,
                    waits_for: None,
                }
            }
        })
    }

    pub(crate) async fn bearer(&self, books: &Books) -> Result<Option<Bearer>, Failure> {
        match books.token_set {
            Some(id) => self.tokens.bearer(books.held.account, id).await.map(Some),
            None => Ok(None),
        }
    }

    /// S5: the last instant at which something may be sent; none when the lease is not trusted any more.
    pub(crate) fn send_before(&self, books: &Books) -> Option<Instant> {
        self.board
            .trusted_until(books.held.run)
            .filter(|until| self.clock.monotonic() < *until)
    }

    /// Sends, unless the deadline has passed.
    pub(crate) async fn send(
        &self,
        request: &Request,
        bearer: Option<&Bearer>,
        send_before: Instant,
        purpose: Purpose,
    ) -> Sent {
        if self.clock.monotonic() >= send_before {
            return Sent::NotAtAll(Failure::new(
                FailureKind::Unreachable,
                "TOO_LATE_TO_SEND",
                "The worker's hold on the books ran out before it could send; it is tried again by itself.",
            ));
        }
        let descriptor = self.provider.descriptor();
        let sent = self
            .http
            .send(
                &self.base_url,
                request,
                bearer.map(|b| b.token.as_str()),
                descriptor.call_deadline,
                descriptor.reply_limit,
                Labels {
                    provider: descriptor.key,
                    purpose,
                },
            )
            .await;
        match sent {
            Ok(reply) => Sent::Replied(reply),
            Err(SendError::NotSent(why)) => Sent::NotAtAll(
                Failure::new(
                    FailureKind::Unreachable,
                    "NOT_REACHED",
                    "The provider could not be reached; it is tried again by itself.",
                )
                .with_detail(why),
            ),
            Err(SendError::Unclear(why)) => Sent::Unclear(
                unclear("The provider's answer was lost; what became of it is being looked up.")
                    .with_detail(why),
            ),
        }
    }
}

const fn refusal_item(refusal: &Refusal) -> model::ItemId {
    match refusal {
        Refusal::OpenAttempt(item) | Refusal::LateReply(item) | Refusal::NotInHand(item) => *item,
    }
}
