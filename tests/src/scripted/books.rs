//! The made-up books: objects in memory, a gate before them, and a record of every write.

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::wire;

/// A request that a test waits for comes at once or never.
const ARRIVAL_LIMIT: Duration = Duration::from_secs(20);

/// What a request asks for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Ask {
    /// To change the books.
    Write,
    /// What carries these markers.
    Lookup,
    /// What these objects are now.
    Read,
    /// A page of accounts or tax codes.
    Import,
}

/// An object in the books.
#[derive(Clone, PartialEq, Debug)]
pub struct Object {
    /// Its id.
    pub id: String,
    /// The marker it carries.
    pub marker: String,
    /// What it says.
    pub body: Value,
    /// Rises with every change.
    pub revision: i64,
    /// It was voided.
    pub is_void: bool,
    /// A person deactivated it.
    pub is_inactive: bool,
}

/// A write that was executed; a repeated key is not executed again.
#[derive(Clone, PartialEq, Debug)]
pub struct Write {
    /// Its idempotency key.
    pub key: String,
    /// The markers of its members.
    pub markers: Vec<String>,
}

#[derive(Default)]
struct State {
    made: usize,
    objects: Vec<Object>,
    writes: Vec<Write>,
    replies: HashMap<String, Value>,
    held: HashSet<Ask>,
    asked: Vec<Ask>,
    pages: HashMap<String, Vec<Value>>,
    refusal: Option<String>,
}

type Shared = Arc<Mutex<State>>;

/// The books, as the test sees them; they close when dropped.
pub struct Books {
    url: String,
    state: Shared,
    arrivals: tokio::sync::Mutex<UnboundedReceiver<Arrival>>,
    task: JoinHandle<()>,
}

/// A request at the gate. Dropped, its connection closes without a reply.
pub struct Arrival {
    /// What it asks.
    pub ask: Ask,
    /// The body as it came.
    pub body: Value,
    stream: TcpStream,
    state: Shared,
}

impl Books {
    /// Empty books on a port of their own, with the gate open.
    ///
    /// # Panics
    ///
    /// When no port is free.
    pub async fn open() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .expect("the loopback interface has a free port");
        let address = listener
            .local_addr()
            .expect("a bound socket has an address");
        let state = Shared::default();
        let (sender, arrivals) = unbounded_channel();
        let task = tokio::spawn(serve(listener, Arc::clone(&state), sender));
        Self {
            url: format!("http://{address}"),
            state,
            arrivals: tokio::sync::Mutex::new(arrivals),
            task,
        }
    }

    /// Base address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Requests of this kind wait at the gate from now on.
    pub fn hold(&self, ask: Ask) {
        lock(&self.state).held.insert(ask);
    }

    /// They pass again; those at the gate stay there.
    pub fn let_pass(&self, ask: Ask) {
        lock(&self.state).held.remove(&ask);
    }

    /// The next request at the gate.
    ///
    /// # Panics
    ///
    /// When none comes.
    pub async fn arrival(&self) -> Arrival {
        let mut arrivals = self.arrivals.lock().await;
        timeout(ARRIVAL_LIMIT, arrivals.recv())
            .await
            .expect("a request comes to the gate")
            .expect("the books are open")
    }

    /// Everything in the books.
    pub fn objects(&self) -> Vec<Object> {
        lock(&self.state).objects.clone()
    }

    /// Every executed write.
    pub fn writes(&self) -> Vec<Write> {
        lock(&self.state).writes.clone()
    }

    /// How many requests of this kind came, executed or not.
    pub fn asked(&self, ask: Ask) -> usize {
        lock(&self.state)
            .asked
            .iter()
            .filter(|asked| **asked == ask)
            .count()
    }

    /// What an import answers from now on, page by page, each a list of rows.
    pub fn publish(&self, what: &str, pages: &[Value]) {
        let last = pages.len().saturating_sub(1);
        let pages = pages
            .iter()
            .enumerate()
            .map(|(number, rows)| json!({"rows": rows, "more": number < last}))
            .collect();
        lock(&self.state).pages.insert(what.to_owned(), pages);
    }

    /// From now on every change is refused with these words, or none any more.
    pub fn refuse_all(&self, words: Option<&str>) {
        lock(&self.state).refusal = words.map(str::to_owned);
    }

    /// A person deactivates an object, or activates it again.
    pub fn set_inactive(&self, id: &str, is_inactive: bool) {
        let mut state = lock(&self.state);
        for object in state.objects.iter_mut().filter(|object| object.id == id) {
            object.is_inactive = is_inactive;
        }
    }

    /// A person deletes an object.
    pub fn remove(&self, id: &str) {
        lock(&self.state).objects.retain(|object| object.id != id);
    }

    /// The objects that say they stand for this document.
    pub fn objects_of(&self, source_id: &str) -> Vec<Object> {
        let mut objects = self.objects();
        objects.retain(|object| object.body["id"] == source_id);
        objects
    }

    /// Markers that more than one object carries: must always be empty.
    pub fn doubles(&self) -> Vec<String> {
        let mut seen = HashSet::new();
        self.objects()
            .into_iter()
            .map(|object| object.marker)
            .filter(|marker| !seen.insert(marker.clone()))
            .collect()
    }
}

impl Drop for Books {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Arrival {
    /// The books change now; nobody is told yet.
    pub fn execute(&self) {
        execute(&self.state, self.ask, &self.body);
    }

    /// Executes it, if it is not yet, and answers.
    pub async fn answer(self) {
        let reply = execute(&self.state, self.ask, &self.body);
        wire::reply(self.stream, 200, reply.to_string().as_bytes()).await;
    }

    /// Answers this, executed or not.
    pub async fn answer_with(self, status: u16, body: &Value) {
        wire::reply(self.stream, status, body.to_string().as_bytes()).await;
    }

    /// Refuses every member; nothing is executed.
    pub async fn refuse(self, code: &str) {
        let members = self.body["members"].as_array().map_or(0, Vec::len);
        let refused = vec![json!({"refused": code}); members];
        self.answer_with(200, &Value::Array(refused)).await;
    }

    /// Closes the connection without a reply.
    pub fn lose(self) {
        drop(self.stream);
    }
}

fn lock(state: &Shared) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn serve(listener: TcpListener, state: Shared, gate: UnboundedSender<Arrival>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(take(stream, Arc::clone(&state), gate.clone()));
    }
}

async fn take(mut stream: TcpStream, state: Shared, gate: UnboundedSender<Arrival>) {
    let Ok((path, body)) = wire::read(&mut stream).await else {
        return;
    };
    let ask = match path.as_str() {
        "/write" => Ask::Write,
        "/lookup" => Ask::Lookup,
        "/import" => Ask::Import,
        _ => Ask::Read,
    };
    let is_held = {
        let mut state = lock(&state);
        state.asked.push(ask);
        state.held.contains(&ask)
    };
    let arrival = Arrival {
        ask,
        body: serde_json::from_slice(&body).unwrap_or_default(),
        stream,
        state,
    };
    if is_held {
        // A test that is over wants no more arrivals.
        let _ = gate.send(arrival);
    } else {
        arrival.answer().await;
    }
}

fn execute(state: &Shared, ask: Ask, body: &Value) -> Value {
    let mut state = lock(state);
    let texts = |name: &str| -> Vec<String> {
        body[name]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|text| text.as_str().map(str::to_owned))
            .collect()
    };
    match ask {
        Ask::Write => state.write(body),
        Ask::Lookup => {
            let markers = texts("markers");
            shown(state.objects.iter().filter(|o| markers.contains(&o.marker)))
        }
        Ask::Import => state.page(body),
        Ask::Read => {
            let ids = texts("ids");
            shown(state.objects.iter().filter(|o| ids.contains(&o.id)))
        }
    }
}

impl State {
    fn page(&self, body: &Value) -> Value {
        let number = body["page"]
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
            .unwrap_or_default();
        let pages = self.pages.get(body["what"].as_str().unwrap_or_default());
        let page = pages.and_then(|pages| pages.get(number)).cloned();
        page.unwrap_or_else(|| json!({"rows": [], "more": false}))
    }

    fn write(&mut self, body: &Value) -> Value {
        let key = body["key"].as_str().unwrap_or_default().to_owned();
        if let Some(known) = self.replies.get(&key) {
            return known.clone();
        }
        let members: Vec<Value> = body["members"].as_array().cloned().unwrap_or_default();
        let markers = members
            .iter()
            .map(|m| m["marker"].as_str().unwrap_or_default().to_owned())
            .collect();
        let results: Vec<Value> = members.iter().map(|m| self.bring_about(m)).collect();
        let reply = Value::Array(results);
        self.replies.insert(key.clone(), reply.clone());
        self.writes.push(Write { key, markers });
        reply
    }

    fn bring_about(&mut self, member: &Value) -> Value {
        if let Some(refused) = &self.refusal {
            return json!({"refused": refused});
        }
        let target = member["target"].as_str();
        let Some(target) = target else {
            self.made += 1;
            let object = Object {
                id: format!("b-{}", self.made),
                marker: member["marker"].as_str().unwrap_or_default().to_owned(),
                body: member["body"].clone(),
                revision: 0,
                is_void: false,
                is_inactive: false,
            };
            let told = one(&object);
            self.objects.push(object);
            return told;
        };
        let Some(object) = self.objects.iter_mut().find(|o| o.id == target) else {
            return json!({"refused": "NOT_THERE"});
        };
        object.revision += 1;
        match member["operation"].as_str() {
            Some("VOID" | "DELETE") => object.is_void = true,
            _ => object.body = member["body"].clone(),
        }
        let told = one(object);
        if member["operation"] == "DELETE" {
            self.objects.retain(|object| object.id != target);
        }
        told
    }
}

fn one(object: &Object) -> Value {
    json!({
        "id": object.id, "revision": object.revision, "marker": object.marker, "body": object.body,
        "is_void": object.is_void, "is_inactive": object.is_inactive,
    })
}

fn shown<'a>(objects: impl Iterator<Item = &'a Object>) -> Value {
    Value::Array(objects.map(one).collect())
}
