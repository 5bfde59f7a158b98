//! Fault rules: which requests go wrong, and in what way.

use rand::Rng as _;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

/// A fault rule as the control API takes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rule {
    /// Which requests it looks at; an empty match is every provider request.
    #[serde(default, rename = "match")]
    pub matching: Match,
    /// What it does to them.
    pub action: Action,
    /// Matching requests let through first.
    #[serde(default)]
    pub skip: u64,
    /// Times it fires; absent means without end.
    #[serde(default)]
    pub times: Option<u64>,
    /// Chance of firing, 0 to 1, drawn from the sandbox's seed; absent means always.
    #[serde(default)]
    pub probability: Option<f64>,
}

/// The conditions of a rule; all given ones must hold.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Match {
    /// HTTP method.
    pub method: Option<String>,
    /// Part of the path.
    pub path_contains: Option<String>,
    /// create, update, void, delete, read, query, batch, token or revoke.
    pub operation: Option<String>,
    /// Entity name; a batch matches when any of its elements is of that kind.
    pub entity: Option<String>,
    /// Company.
    pub realm: Option<String>,
    /// Part of the request body.
    pub body_contains: Option<String>,
}

/// When a delay happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum When {
    /// Before the request takes effect.
    Before,
    /// After it took effect, before the answer.
    After,
}

/// What goes wrong.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Action {
    /// The connection closes and nothing is done.
    DropBefore,
    /// The request takes effect and the connection closes without an answer.
    CommitThenDrop,
    /// As `CommitThenDrop`, after holding the connection open for a while.
    CommitThenHang {
        /// How long the connection stays silent.
        ms: u64,
    },
    /// The answer is right but late.
    Delay {
        /// How late.
        ms: u64,
        /// Before or after the effect.
        when: When,
    },
    /// An error page (429: the throttle fault); nothing is done.
    Status {
        /// HTTP status.
        code: u16,
        /// Body instead of the usual page.
        #[serde(default)]
        body: Option<String>,
    },
    /// A refusal that the provider knows by a name, such as `minute` or `tokenExpired`; nothing
    /// is done.
    Refuse {
        /// Its name.
        name: String,
        /// `Retry-After` instead of the right one; an empty text leaves it out.
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// An error page although the request took effect.
    CommitThenStatus {
        /// HTTP status.
        code: u16,
        /// Body instead of the usual page.
        #[serde(default)]
        body: Option<String>,
    },
    /// The request takes effect and half of the reply arrives.
    Truncate {
        /// True: the announced length is that of the cut body. False: the full length is
        /// announced and the connection closes early.
        #[serde(default)]
        length_matches: bool,
    },
    /// The request takes effect and status 200 comes with this body.
    WrongBody {
        /// The body.
        body: String,
    },
    /// Status 200 with a fault in the body; nothing is done unless `executed`.
    OkWithFault {
        /// Fault code; 10000 when absent.
        #[serde(default)]
        code: Option<String>,
        /// True: the request takes effect all the same.
        #[serde(default)]
        executed: bool,
    },
    /// The request takes effect and the reply describes another document.
    ReplyForOther,
    /// One element's reply is missing from a batch reply.
    DropItem {
        /// Which, from 0; the last one when absent.
        #[serde(default)]
        index: Option<usize>,
    },
    /// The elements of a batch reply come in another order.
    Reorder,
    /// Two elements of a batch reply carry each other's `bId`.
    Swap,
}

impl Action {
    /// The name used in the journal.
    pub fn name(&self) -> &'static str {
        match self {
            Self::DropBefore => "dropBefore",
            Self::CommitThenDrop => "commitThenDrop",
            Self::CommitThenHang { .. } => "commitThenHang",
            Self::Delay { .. } => "delay",
            Self::Status { .. } => "status",
            Self::Refuse { .. } => "refuse",
            Self::CommitThenStatus { .. } => "commitThenStatus",
            Self::Truncate { .. } => "truncate",
            Self::WrongBody { .. } => "wrongBody",
            Self::OkWithFault { .. } => "okWithFault",
            Self::ReplyForOther => "replyForOther",
            Self::DropItem { .. } => "dropItem",
            Self::Reorder => "reorder",
            Self::Swap => "swap",
        }
    }
}

/// What rules can see of a request.
#[derive(Debug)]
pub struct Traits<'a> {
    /// HTTP method.
    pub method: &'a str,
    /// Path without the query.
    pub path: &'a str,
    /// Operation word.
    pub operation: &'a str,
    /// Entity names in the request.
    pub entities: Vec<&'a str>,
    /// Company.
    pub realm: Option<&'a str>,
    /// Body text.
    pub body: &'a str,
}

/// The rules in force, in the order in which they were added.
#[derive(Debug, Default)]
pub struct RuleBook {
    rules: Vec<Standing>,
    last_id: u64,
}

/// A rule with its counters.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Standing {
    /// Its id.
    pub id: u64,
    /// The rule.
    #[serde(flatten)]
    pub rule: Rule,
    /// Requests it matched.
    pub seen: u64,
    /// Times it fired.
    pub fired: u64,
}

impl RuleBook {
    /// Adds a rule and returns its id.
    pub fn add(&mut self, rule: Rule) -> u64 {
        self.last_id += 1;
        self.rules.push(Standing {
            id: self.last_id,
            rule,
            seen: 0,
            fired: 0,
        });
        self.last_id
    }

    /// Removes all rules.
    pub fn clear(&mut self) {
        self.rules.clear();
    }

    /// Removes one rule; false when there is none of that id.
    pub fn remove(&mut self, id: u64) -> bool {
        let before = self.rules.len();
        self.rules.retain(|standing| standing.id != id);
        self.rules.len() < before
    }

    /// All rules with their counters.
    pub fn list(&self) -> &[Standing] {
        &self.rules
    }

    /// The first rule that fires for a request.
    pub fn pick(&mut self, request: &Traits<'_>, chance: &mut StdRng) -> Option<(u64, Action)> {
        for standing in &mut self.rules {
            if !standing.rule.matching.accepts(request) {
                continue;
            }
            standing.seen += 1;
            let exhausted = standing
                .rule
                .times
                .is_some_and(|times| standing.fired >= times);
            if standing.seen <= standing.rule.skip || exhausted {
                continue;
            }
            let lucky = standing
                .rule
                .probability
                .is_none_or(|probability| chance.random_bool(probability.clamp(0.0, 1.0)));
            if lucky {
                standing.fired += 1;
                return Some((standing.id, standing.rule.action.clone()));
            }
        }
        None
    }
}

impl Match {
    fn accepts(&self, request: &Traits<'_>) -> bool {
        let same = |wanted: &Option<String>, actual: &str| {
            wanted
                .as_ref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(actual))
        };
        let contains = |wanted: &Option<String>, text: &str| {
            wanted.as_ref().is_none_or(|wanted| text.contains(wanted))
        };
        same(&self.method, request.method)
            && same(&self.operation, request.operation)
            && same(&self.realm, request.realm.unwrap_or_default())
            && contains(&self.path_contains, request.path)
            && contains(&self.body_contains, request.body)
            && self.entity.as_ref().is_none_or(|wanted| {
                let wanted = wanted.as_str();
                request
                    .entities
                    .iter()
                    .any(|entity| entity.eq_ignore_ascii_case(wanted))
            })
    }
}
