//! Plays documents through a provider: plans, encodes, and keeps what the books then hold.

use chrono::{DateTime, Utc};
use model::{Document, DocumentKind, EffectId, Failure, SourceId, SyncSettings};
use serde_json::Value;

use super::{Fixture, samples};
use crate::{
    Current, CurrentState, Currents, Effect, External, Link, LinkState, Links, Marker, Member,
    Need, PastCall, PastMember, Plan, Reply, Request, Step, View,
};

/// The key of every rehearsed call: as long as the worker makes them.
pub(super) const KEY: &str = "0197f3a0-0000-7000-8000-00000000abcd";

/// Members of a small batch; enough for one in the middle.
const FEW: usize = 3;

/// Objects of what a document names are numbered from here.
const NAMED: usize = 900;

/// How often a plan may ask for reads, as in the worker.
const MOST_ROUNDS: usize = 3;

/// A document's step and what the books hold before it.
pub(super) struct Planned {
    pub(super) document: Document,
    pub(super) step: Step,
    pub(super) marker: Marker,
    pub(super) before: Option<Value>,
}

/// A call as it was sent, and the object of each member as the books hold it before and after.
pub(super) struct Sent {
    pub(super) call: PastCall,
    pub(super) request: Request,
    pub(super) before: Vec<Option<Value>>,
    pub(super) after: Vec<Value>,
    pub(super) at: Vec<External>,
}

impl Sent {
    /// What to call it in a failed check.
    pub(super) fn name(&self) -> String {
        let first = &self.call.members[0];
        format!(
            "{} of {} x {}",
            first.step.operation.as_str(),
            self.call.members.len(),
            first.kind.as_str()
        )
    }

    pub(super) fn effect(&self) -> &Effect {
        &self.call.members[0].step.effect
    }

    pub(super) fn is_creation(&self) -> bool {
        self.call.members[0].step.target.is_none()
    }

    /// The faithful reply.
    pub(super) fn reply(&self, fixture: &impl Fixture) -> Reply {
        let answers: Vec<(usize, Value)> = self.after.iter().cloned().enumerate().collect();
        fixture.answer(&self.call, &answers)
    }

    /// The objects from before, where there were any.
    pub(super) fn objects_before(&self) -> Vec<Value> {
        self.before.iter().flatten().cloned().collect()
    }
}

/// A creation, a change and an end of every kind, alone and as a small batch.
pub(super) fn calls(fixture: &impl Fixture) -> Vec<Sent> {
    let mut calls = Vec::new();
    for &kind in fixture.provider().descriptor().kinds {
        for stage in Stage::ALL {
            let planned: Vec<Planned> = (0..FEW)
                .filter_map(|number| stage.plan(fixture, kind, number))
                .collect();
            let Some(first) = planned.first() else {
                continue;
            };
            let descriptor = fixture.provider().descriptor();
            let step = &first.step;
            let size = (descriptor.batch_size)(&step.effect.kind, step.operation);
            let size = size.min(planned.len());
            calls.push(send(fixture, &planned[..1]));
            if size > 1 {
                calls.push(send(fixture, &planned[..size]));
            }
        }
    }
    assert!(!calls.is_empty(), "the descriptor names no kind");
    calls
}

/// Where a document stands in its life.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// It is new.
    Created,
    /// It is in the books, and changed.
    Changed,
    /// It is in the books, and over.
    Ended,
}

impl Stage {
    pub(super) const ALL: [Self; 3] = [Self::Created, Self::Changed, Self::Ended];

    /// The step of a sample at this stage; none where the provider refuses it.
    pub(super) fn plan(
        self,
        fixture: &impl Fixture,
        kind: DocumentKind,
        number: usize,
    ) -> Option<Planned> {
        match self {
            Self::Created => Some(creation(fixture, kind, number)),
            Self::Changed => next(fixture, kind, number, samples::changed),
            Self::Ended => next(fixture, kind, number, samples::ended),
        }
    }
}

/// The step that creates a sample.
pub(super) fn creation(fixture: &impl Fixture, kind: DocumentKind, number: usize) -> Planned {
    creation_of(fixture, number, samples::document(kind, number, ""))
}

/// The step that creates a document, as the `number`th of its call.
pub(super) fn creation_of(fixture: &impl Fixture, number: usize, document: Document) -> Planned {
    let links = dependencies(fixture, &document);
    let step = match plan_reading(fixture, &document, &links, None) {
        Plan::Steps(steps) => steps.into_iter().next(),
        other => panic!("{} should be created, not {other:?}", document.id),
    };
    let Some(step) = step else {
        panic!("{} is new, and its plan is empty", document.id);
    };
    assert_eq!(
        step.target, None,
        "a creation changes nothing that is there"
    );
    Planned {
        document,
        step,
        marker: marker(number),
        before: None,
    }
}

fn next(
    fixture: &impl Fixture,
    kind: DocumentKind,
    number: usize,
    version: fn(&Document) -> Document,
) -> Option<Planned> {
    let created = creation_of(fixture, number, samples::document(kind, number, ""));
    let fingerprint = created.step.fingerprint.clone();
    let effect = created.step.effect.clone();
    let mut sent = send(fixture, std::slice::from_ref(&created));
    let before = fixture.placed(sent.after.remove(0), &fixture.external(number));
    let document = version(&created.document);
    let links = linked(fixture, &document, number, &fingerprint);
    let at = fixture.external(number);
    if let Plan::Needs(needs) = plan(fixture, &document, &links, &Currents::default()) {
        let own = Need::Current {
            effect,
            external: at.clone(),
        };
        assert!(
            needs.contains(&own),
            "a linked document needs its own object read"
        );
    }
    match plan_reading(fixture, &document, &links, Some((&at, &before))) {
        Plan::Steps(steps) => {
            let step = steps.into_iter().next()?;
            assert!(step.target.is_some(), "a change names its object");
            Some(Planned {
                document,
                step,
                marker: created.marker,
                before: Some(before),
            })
        }
        Plan::Refused(_) => None,
        other => panic!("{} should change, not {other:?}", document.id),
    }
}

/// What the provider plans, under the fixture's own settings.
pub(super) fn plan(
    fixture: &impl Fixture,
    document: &Document,
    links: &Links,
    currents: &Currents,
) -> Plan {
    let settings: SyncSettings = fixture.settings();
    let books = fixture.books();
    fixture.provider().plan(&View {
        document,
        settings: &settings,
        books: &books,
        links,
        currents,
        references: &fixture.references(),
    })
}

/// The same, with what the plan asks for read from the books: its own object, and those of what it names.
pub(super) fn plan_reading(
    fixture: &impl Fixture,
    document: &Document,
    links: &Links,
    own: Option<(&External, &Value)>,
) -> Plan {
    let mut currents = Currents::default();
    for _ in 0..=MOST_ROUNDS {
        let planned = plan(fixture, document, links, &currents);
        let Plan::Needs(needs) = &planned else {
            return planned;
        };
        for need in needs {
            let Need::Current { effect, external } = need else {
                return planned;
            };
            assert_eq!(
                currents.get(&effect.kind, &external.id),
                None,
                "{} is asked for twice",
                external.id
            );
            let object = match own {
                Some((at, object)) if at.id == external.id => object.clone(),
                _ => named_object(fixture, document, external),
            };
            let state = CurrentState::There(read_one(fixture, effect, external, &object));
            currents.insert(effect.kind.clone(), external.id.clone(), state);
        }
    }
    panic!("the plan of {} reads for ever", document.id);
}

/// What the books hold of a document that `document` names.
fn named_object(fixture: &impl Fixture, document: &Document, external: &External) -> Value {
    let named = samples::named_by(document);
    let place = (0..named.len()).find(|place| fixture.external(NAMED + place).id == external.id);
    let Some((place, (kind, id))) = place.map(|place| (place, &named[place])) else {
        panic!(
            "{} asks for {}, which it does not name",
            document.id, external.id
        );
    };
    let other = samples::document(*kind, samples::number_of(id), "");
    let created = creation_of(fixture, NAMED + place, other);
    let mut sent = send(fixture, std::slice::from_ref(&created));
    fixture.placed(sent.after.remove(0), external)
}

/// Links of everything that a document names.
pub(super) fn dependencies(fixture: &impl Fixture, document: &Document) -> Links {
    let mut links = Links::default();
    for (place, (kind, id)) in samples::named_by(document).into_iter().enumerate() {
        add_link(fixture, &mut links, kind, id, NAMED + place, "seen");
    }
    links
}

/// The same, with the document's own link to the `number`th object.
pub(super) fn linked(
    fixture: &impl Fixture,
    document: &Document,
    number: usize,
    fingerprint: &str,
) -> Links {
    let mut links = dependencies(fixture, document);
    let link = link_to(fixture, number, fingerprint);
    let id = document.id.clone();
    links.insert(document.kind(), id, fixture.effect_of(document), link);
    links
}

/// Adds a link to the `number`th object.
pub(super) fn add_link(
    fixture: &impl Fixture,
    links: &mut Links,
    kind: DocumentKind,
    id: SourceId,
    number: usize,
    fingerprint: &str,
) {
    let link = link_to(fixture, number, fingerprint);
    links.insert(kind, id, fixture.effect(kind), link);
}

fn link_to(fixture: &impl Fixture, number: usize, fingerprint: &str) -> Link {
    let external = fixture.external(number);
    Link {
        effect_id: marker(number).effect,
        external_id: external.id,
        revision: external.revision,
        fingerprint: fingerprint.to_owned(),
        state: LinkState::Active,
    }
}

/// Encodes the steps as one call and lets the books carry it out.
pub(super) fn send(fixture: &impl Fixture, planned: &[Planned]) -> Sent {
    let request = match encode(fixture, planned, KEY) {
        Ok(request) => request,
        Err(failure) => panic!("{} of them do not encode: {failure:?}", planned.len()),
    };
    let elements = fixture.elements(&request, planned.len());
    assert_eq!(elements.len(), planned.len(), "one element for each member");
    let call = past(fixture, planned);
    let at: Vec<External> = planned
        .iter()
        .enumerate()
        .map(|(number, one)| match &one.step.target {
            Some(target) => fixture.revised(target),
            None => fixture.external(number),
        })
        .collect();
    let after = call
        .members
        .iter()
        .zip(&elements)
        .zip(planned.iter().zip(&at))
        .map(|((member, element), (one, at))| {
            let object = fixture.object(member, element, one.before.as_ref());
            fixture.placed(object, at)
        })
        .collect();
    Sent {
        call,
        request,
        before: planned.iter().map(|one| one.before.clone()).collect(),
        after,
        at,
    }
}

/// The one request for these steps.
pub(super) fn encode(
    fixture: &impl Fixture,
    planned: &[Planned],
    key: &str,
) -> Result<Request, Failure> {
    let members: Vec<Member<'_>> = planned
        .iter()
        .enumerate()
        .map(|(ordinal, one)| Member {
            ordinal,
            kind: one.document.kind(),
            step: &one.step,
            marker: &one.marker,
        })
        .collect();
    fixture.provider().encode(&members, key, &fixture.books())
}

fn past(fixture: &impl Fixture, planned: &[Planned]) -> PastCall {
    PastCall {
        key: KEY.to_owned(),
        members: planned
            .iter()
            .enumerate()
            .map(|(ordinal, one)| PastMember {
                ordinal,
                kind: one.document.kind(),
                step: one.step.clone(),
                marker: one.marker.clone(),
            })
            .collect(),
        opened_at: DateTime::<Utc>::from_timestamp(1_772_366_400, 0)
            .expect("noon of 1 March 2026 is an instant"),
        books_external_id: fixture.books().external_id,
    }
}

/// The marker of the `number`th document.
pub(super) fn marker(number: usize) -> Marker {
    let number = 0x0197_f3a0_0000_7000_8000_0000_0000_1000_u128 + number as u128;
    Marker {
        installation: "suite".to_owned(),
        effect: EffectId::from_uuid(uuid::Uuid::from_u128(number)),
        generation: 1,
    }
}

/// One object through the provider's own read.
pub(super) fn read_one(
    fixture: &impl Fixture,
    effect: &Effect,
    at: &External,
    object: &Value,
) -> Current {
    let mut found = read(
        fixture,
        effect,
        std::slice::from_ref(at),
        std::slice::from_ref(object),
    );
    assert_eq!(found.len(), 1, "one object was there");
    found.remove(0)
}

/// Objects through the provider's own read.
pub(super) fn read(
    fixture: &impl Fixture,
    effect: &Effect,
    targets: &[External],
    objects: &[Value],
) -> Vec<Current> {
    let request = fixture.provider().read(effect, targets, &fixture.books());
    let reply = fixture.found(&request, effect, objects);
    match fixture.provider().parse_read(effect, &reply) {
        Ok(found) => found,
        Err(failure) => panic!("a faithful answer could not be read: {failure:?}"),
    }
}
