//! One database, many books, two workers each, and the sweep that wakes them as every consumer's does.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use model::{AccountId, BooksId, Environment, RetryPolicy, SyncFrequency, SyncSettings};
use provider_kit::http::{BaseUrl, HttpClient, HttpOptions};
use provider_kit::{
    BooksFacts, CallResult, Current, Descriptor, Effect, External, Judgement, Member, PastCall,
    Plan, Provider, Reply, Request, View,
};
use provider_qbo::Qbo;
use runtime::{Clock as _, SystemClock};
use serde_json::{Value, json};
use store::admin::NewIntegration;
use store::seal::Sealer;
use store::{Role, Store};
use tests::harness::{Database, SEAL_KEYS, Sandbox};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use worker::{Ended, Parts, Policy, Worker};

use super::cells::{FIRST_LOOKUP, Lane, SETTLE, TTL};
use super::gate::Gate;

/// Between two sweeps.
const SWEEP_EVERY: Duration = Duration::from_millis(50);

/// A lease is free when it has run out and the server has been up this long.
const SHORT: Duration = Duration::from_secs(1);

/// Between two looks at where all items stand.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Where all books stood at one moment.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    /// Before the look began.
    pub(super) looked_at: Instant,
    pub(super) books: Arc<HashMap<BooksId, Value>>,
}

/// Two workers that share one books.
pub(super) struct Pair {
    pub(super) account: i64,
    pub(super) books: BooksId,
    pub(super) gate: Option<Gate>,
    workers: [Worker; 2],
    is_busy: [AtomicBool; 2],
    turns: AtomicUsize,
    takeovers: AtomicU64,
    is_waiting: AtomicBool,
}

#[derive(Default)]
struct Board {
    pairs: Mutex<HashMap<BooksId, Arc<Pair>>>,
}

/// What all lanes share.
pub(super) struct Fleet {
    operator: Store,
    producer: Store,
    worker: Store,
    http: HttpClient,
    board: Arc<Board>,
    standing: watch::Receiver<Standing>,
    tasks: Vec<JoinHandle<()>>,
    database: Arc<Database>,
}

impl Fleet {
    pub(super) async fn start() -> Self {
        let database = Arc::new(Database::fresh().await);
        let open = |role, most| Store::open(&database.url(), role, most).unwrap();
        let operator = open(Role::Operator, 2);
        operator.install("sweep").await.unwrap();
        let worker = open(Role::Worker, 12);
        let board = Arc::new(Board::default());
        let (told, standing) = watch::channel(Standing {
            looked_at: SystemClock.monotonic(),
            books: Arc::default(),
        });
        let sweep = tokio::spawn(sweep(worker.clone(), Arc::clone(&board)));
        let look = tokio::spawn(look(Arc::clone(&database), Arc::clone(&board), told));
        Self {
            operator,
            producer: open(Role::Producer, 6),
            worker,
            http: HttpClient::new(&HttpOptions::default()).unwrap(),
            board,
            standing,
            tasks: vec![sweep, look],
            database,
        }
    }

    /// Founds the lane's company, connects it, and gives it two workers.
    pub(super) async fn connect(&self, sandbox: &Sandbox, lane: &Lane) -> Arc<Pair> {
        let gate = match lane.gate() {
            Some(silence) => Some(Gate::before(&sandbox.address(), silence).await),
            None => None,
        };
        let base_url = gate.as_ref().map_or_else(|| sandbox.url(), Gate::url);
        let realm = lane.realm();
        let profile = json!({"realm": realm, "taxMode": "off", "customTxnNumbers": true});
        sandbox.company_of(profile).await;
        let tokens = sandbox.tokens(&[&realm]).await;
        let account = AccountId(lane.account());
        let sealer = || Sealer::parse(SEAL_KEYS).unwrap();
        let environment = Environment::Sandbox;
        let token_set = self
            .operator
            .add_token_set(account, KEY, environment.as_str(), &tokens, &sealer())
            .await
            .unwrap();
        let settings = SyncSettings {
            default_item_id: Some("1".to_owned()),
            ..SyncSettings::default()
        };
        let (_, books) = self
            .operator
            .add_integration(&NewIntegration {
                account,
                provider: KEY,
                environment,
                external_id: &realm,
                facts: json!({"country": "US", "homeCurrency": "USD", "extra": {"taxMode": "OFF"}}),
                token_set: Some(token_set),
                settings: &settings,
                frequency: SyncFrequency::RealTime,
                imports: &[],
                actor: "test",
            })
            .await
            .unwrap();
        let worker = || {
            Worker::new(Parts {
                store: self.worker.clone(),
                provider: provider_of(lane),
                http: self.http.clone(),
                base_url: BaseUrl::parse(&base_url).unwrap(),
                oauth: None,
                sealer: sealer(),
                policy: policy(),
                clock: Arc::new(SystemClock),
            })
        };
        let pair = Arc::new(Pair {
            account: lane.account(),
            books,
            workers: [worker(), worker()],
            gate,
            is_busy: [AtomicBool::new(false), AtomicBool::new(false)],
            turns: AtomicUsize::new(0),
            takeovers: AtomicU64::new(0),
            is_waiting: AtomicBool::new(false),
        });
        self.board
            .with(|pairs| pairs.insert(books, Arc::clone(&pair)));
        pair
    }

    /// Nobody works for this books any more.
    pub(super) fn dismiss(&self, pair: &Pair) {
        self.board.with(|pairs| pairs.remove(&pair.books));
    }

    /// Takes events in, and lets nobody look before the last of them is there.
    pub(super) async fn submit(&self, pair: &Pair, events: &[Value]) {
        pair.is_waiting.store(true, Ordering::SeqCst);
        for event in events {
            let bytes = serde_json::to_vec(event).unwrap();
            producer::submit(&self.producer, &bytes).await.unwrap();
        }
        pair.is_waiting.store(false, Ordering::SeqCst);
    }

    /// Waits until no item of these books moves by itself and both workers are at rest; what stands then.
    pub(super) async fn settled(&self, pair: &Pair) -> Value {
        let mut standing = self.standing.clone();
        let mut at_rest_since = None;
        loop {
            standing.changed().await.unwrap();
            let Standing { looked_at, books } = standing.borrow_and_update().clone();
            let found = books.get(&pair.books);
            let is_settled = found.is_some_and(|found| found["open"] == 0);
            match at_rest_since {
                Some(since) if looked_at > since && is_settled => return found.unwrap().clone(),
                None if is_settled && pair.is_at_rest() => {
                    at_rest_since = Some(SystemClock.monotonic());
                }
                _ if !is_settled => at_rest_since = None,
                _ => {}
            }
        }
    }

    pub(super) fn standings(&self) -> String {
        self.database.sql(
            "select books_id, state, kind, count(*), max(attempts), left(min(reason), 150) from item \
             where state not in ('done', 'skipped') group by 1, 2, 3 limit 20",
        )
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Pair {
    fn is_at_rest(&self) -> bool {
        self.is_busy.iter().all(|busy| !busy.load(Ordering::SeqCst))
    }

    /// Somebody of the two waits for an answer that comes after a takeover only.
    fn is_frozen_for_long(&self) -> bool {
        self.gate.as_ref().is_some_and(Gate::waits_for_takeover)
    }

    /// How often one of the two took the lease while the other was still at work.
    pub(super) fn takeovers(&self) -> u64 {
        self.takeovers.load(Ordering::SeqCst)
    }

    /// Whoever is free looks, the two in turn: both would be told, one of them in vain.
    fn wake(self: Arc<Self>) {
        if self.is_waiting.load(Ordering::SeqCst) {
            return;
        }
        let first = self.turns.fetch_add(1, Ordering::SeqCst) % 2;
        let free = [first, 1 - first]
            .into_iter()
            .find(|at| !self.is_busy[*at].swap(true, Ordering::SeqCst));
        let Some(at) = free else { return };
        tokio::spawn(async move {
            let other = &self.is_busy[1 - at];
            let is_other_busy = other.load(Ordering::SeqCst);
            if is_other_busy && let Some(gate) = &self.gate {
                gate.taken_over();
            }
            let ended = self.workers[at].process_one(self.books).await;
            // An error is a database that did not answer: the next sweep tries again.
            if is_other_busy && ended.is_ok_and(|ended| ended != Ended::NotTaken) {
                self.takeovers.fetch_add(1, Ordering::SeqCst);
            }
            self.is_busy[at].store(false, Ordering::SeqCst);
        });
    }
}

impl Board {
    fn with<T>(&self, act: impl FnOnce(&mut HashMap<BooksId, Arc<Pair>>) -> T) -> T {
        act(&mut self.pairs.lock().unwrap())
    }
}

async fn sweep(store: Store, board: Arc<Board>) {
    let mut ticks = tokio::time::interval(SWEEP_EVERY);
    loop {
        ticks.tick().await;
        for books in store.sweep(KEY, SHORT, 1_000).await.unwrap_or_default() {
            if let Some(pair) = board.with(|pairs| pairs.get(&books).cloned()) {
                pair.wake();
            }
        }
    }
}

/// Where all books at work stand, again and again.
async fn look(database: Arc<Database>, board: Arc<Board>, told: watch::Sender<Standing>) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        ticks.tick().await;
        let ids: Vec<String> = board.with(|pairs| {
            let ids = pairs.keys().map(|books| format!("'{}'", books.uuid()));
            ids.collect()
        });
        if ids.is_empty() {
            continue;
        }
        let frozen: Vec<String> = board.with(|pairs| {
            let frozen = pairs.values().filter(|pair| pair.is_frozen_for_long());
            frozen
                .map(|pair| format!("'{}'", pair.books.uuid()))
                .collect()
        });
        let looked_at = SystemClock.monotonic();
        let of_look = Arc::clone(&database);
        let mut statement = STANDING.replace("$BOOKS", &ids.join(","));
        if !frozen.is_empty() {
            statement = format!(
                "{}; {statement}",
                EXPIRY.replace("$BOOKS", &frozen.join(","))
            );
        }
        let rows = tokio::task::spawn_blocking(move || of_look.sql(&statement))
            .await
            .unwrap();
        let books = rows.lines().map(|row| {
            let (id, found) = row.split_once('|').unwrap();
            (
                BooksId::from_uuid(id.parse().unwrap()),
                serde_json::from_str(found).unwrap(),
            )
        });
        let books = Arc::new(books.collect());
        told.send_replace(Standing { looked_at, books });
    }
}

/// As if the time of a lease had passed while its holder was frozen: expiry is the database's time.
const EXPIRY: &str = "\
update lease set expires_at = clock_timestamp() - interval '1 ms'
where books_id in ($BOOKS) and run is not null";

/// Everything the checks need to know of some books, in one row each.
const STANDING: &str = "\
select b.id, json_build_object(
  'open', (select count(*) from item where books_id = b.id
    and state in ('queued', 'running', 'verifying', 'waiting')),
  'items', (select json_agg(json_build_object('kind', i.kind, 'id', i.source_id, 'state', i.state,
      'version', i.version, 'reason', i.reason, 'effect', e.id, 'external', l.external_id, 'link', l.state,
      'gross', l.gross::text))
    from item i left join effect e on e.item_id = i.id left join link l on l.effect_id = e.id
    where i.books_id = b.id),
  'openCalls', (select coalesce(json_agg(json_build_object('purpose', purpose, 'sends', sends, 'status', status,
      'outcomes', (select json_agg(a.outcome) from attempt a where a.call_id = call.id))), '[]')
    from call where books_id = b.id and closed_at is null),
  'openAttempts', (select count(*) from attempt where books_id = b.id and outcome is null),
  'unread', (select count(*) from late_reply where books_id = b.id and read_at is null),
  'findings', (select coalesce(json_agg(code), '[]') from finding where books_id = b.id and closed_at is null),
  'deadLetters', (select count(*) from dead_letter d join item i on i.id = d.item_id where i.books_id = b.id),
  'adopted', (select count(*) from attempt where books_id = b.id and outcome = 'ADOPTED'),
  'resent', (select coalesce(sum(sends - 1), 0) from call where books_id = b.id))
from books b where b.id in ($BOOKS)";

const KEY: &str = provider_qbo::DESCRIPTOR.key;

fn policy() -> Policy {
    Policy {
        ttl: TTL,
        settle: SETTLE,
        retry: RetryPolicy {
            first_delay: Duration::from_millis(50),
            longest_delay: Duration::from_secs(1),
            throttle_delay: Duration::from_millis(500),
            first_lookup_delay: FIRST_LOOKUP,
            ..RetryPolicy::default()
        },
        ..Policy::for_provider(&provider_qbo::DESCRIPTOR)
    }
}

fn provider_of(lane: &Lane) -> Arc<dyn Provider> {
    use super::cells::{Fault, Freeze};
    match (lane.fault, lane.freeze) {
        (Fault::Hung, Freeze::None) => Arc::new(Impatient),
        _ => Arc::new(Qbo),
    }
}

/// `QuickBooks` Online with a deadline that a test can wait for.
struct Impatient;

static IMPATIENT: Descriptor = Descriptor {
    call_deadline: Duration::from_millis(700),
    ..provider_qbo::DESCRIPTOR
};

impl Provider for Impatient {
    fn descriptor(&self) -> &'static Descriptor {
        &IMPATIENT
    }

    fn plan(&self, view: &View<'_>) -> Plan {
        Qbo.plan(view)
    }

    fn encode(
        &self,
        members: &[Member<'_>],
        key: &str,
        books: &BooksFacts,
    ) -> Result<Request, model::Failure> {
        Qbo.encode(members, key, books)
    }

    fn classify(&self, call: &PastCall, reply: &Reply) -> CallResult {
        Qbo.classify(call, reply)
    }

    fn lookups(&self, call: &PastCall, books: &BooksFacts) -> Vec<Request> {
        Qbo.lookups(call, books)
    }

    fn judge(&self, call: &PastCall, replies: &[Reply]) -> Result<Judgement, model::Failure> {
        Qbo.judge(call, replies)
    }

    fn read(&self, effect: &Effect, targets: &[External], books: &BooksFacts) -> Request {
        Qbo.read(effect, targets, books)
    }

    fn parse_read(&self, effect: &Effect, reply: &Reply) -> Result<Vec<Current>, model::Failure> {
        Qbo.parse_read(effect, reply)
    }
}
