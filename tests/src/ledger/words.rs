//! The texts of made-up documents: who clients are, what invoices are numbered and say.

use rand::Rng;
use rand::seq::IndexedRandom as _;
use serde_json::{Value, json};

/// Names that have tripped up some program somewhere; colons and quotes among them.
const NAMES: [&str; 16] = [
    "Fjord Analytics ApS",
    "Żółć i Synowie Sp. z o.o.",
    "株式会社ねこ",
    "O'Brien & Daughters",
    "Müller Söhne GmbH",
    "Crème Brûlée SARL",
    "Ñandú Ltda.",
    "Ærø Værft",
    "Straße 7 KG",
    "The \"Quoted\" Company, Inc.",
    "Alpha: Beta Consulting",
    "Rocket 🚀 Labs",
    "שלום בע״מ",
    "Ελληνικά ΑΕ",
    "Back\\slash & <Tag> Co.",
    "Plain Old Hardware",
];

const PLACES: [(&str, &str, &str, &str); 5] = [
    ("Havnegade 12", "Aarhus", "8000", "DK"),
    ("1 Main Street", "Springfield, OR", "97477", "US"),
    ("ul. Długa 5/7", "Kraków", "31-147", "PL"),
    ("東京都千代田区 1-1", "東京", "100-0001", "JP"),
    ("Königsallee 3", "Düsseldorf", "40212", "DE"),
];

const GOODS: [&str; 8] = [
    "Consulting",
    "Überstunden, Wochenende",
    "Licence, 1 seat\nper month",
    "デザイン作業",
    "Travel & lodging (at cost)",
    "Support \"gold\"",
    "Räder, 20\" × 1.75",
    "x",
];

const NOTES: [&str; 5] = [
    "Thank you for your business.",
    "Pay by wire.\nIBAN: DE00 0000 0000 0000 0000 00\n\nQuestions? Write to us!",
    "Merci beaucoup — à bientôt",
    "[tieout is a fine program]",
    "Dates:\t1 to 15 March",
];

/// A client's own data.
#[derive(Clone, Debug)]
pub(super) struct Person {
    serial: usize,
    name: String,
    company: bool,
    phone: Option<String>,
    place: Option<usize>,
    notes: Option<&'static str>,
}

impl Person {
    /// The `serial`th client; the serial in the name keeps names apart.
    pub(super) fn random(random: &mut impl Rng, serial: usize) -> Self {
        Self {
            serial,
            name: name(random, serial),
            company: random.random_ratio(1, 3),
            phone: random
                .random_ratio(1, 2)
                .then(|| format!("+45 {:08}", random.random_range(0..100_000_000))),
            place: random
                .random_ratio(3, 4)
                .then(|| random.random_range(0..PLACES.len())),
            notes: maybe(random, 1, 4, &NOTES),
        }
    }

    /// Moves house and changes its number; sometimes its name.
    pub(super) fn change(&mut self, random: &mut impl Rng) {
        if random.random_ratio(1, 3) {
            self.name = name(random, self.serial);
        }
        self.phone = Some(format!("+1 555 {:07}", random.random_range(0..10_000_000)));
        self.place = Some(random.random_range(0..PLACES.len()));
    }

    pub(super) fn to_json(&self) -> Value {
        let mut data = json!({
            "name": self.name,
            "email": format!("accounts@client{}.example", self.serial),
        });
        if self.company {
            data["company"] = json!(self.name);
        }
        if let Some(phone) = &self.phone {
            data["phone"] = json!(phone);
        }
        if let Some((line1, city, postal_code, country)) = self.place.map(|at| PLACES[at]) {
            data["address"] = json!({
                "line1": line1, "city": city, "postalCode": postal_code, "country": country,
            });
        }
        if let Some(notes) = self.notes {
            data["notes"] = json!(notes);
        }
        data
    }
}

fn name(random: &mut impl Rng, serial: usize) -> String {
    let stem = pick(random, &NAMES);
    if random.random_ratio(1, 20) {
        return format!("{stem} {serial} {}", "and partners ".repeat(7).trim_end());
    }
    format!("{stem} {serial}")
}

/// An invoice number; some are longer than the 21 characters that `QuickBooks` takes.
pub(super) fn number(random: &mut impl Rng, serial: usize) -> String {
    if random.random_ratio(1, 10) {
        return format!("Rechnung/2026/Überseequartier/{serial:06}");
    }
    format!("INV-{serial:06}")
}

pub(super) fn goods(random: &mut impl Rng) -> &'static str {
    pick(random, &GOODS)
}

pub(super) fn notes(random: &mut impl Rng) -> Option<&'static str> {
    maybe(random, 1, 3, &NOTES)
}

pub(super) fn terms(random: &mut impl Rng) -> Option<&'static str> {
    maybe(
        random,
        1,
        2,
        &["Net 30", "Net 14, 2 % within 7 days", "Sofort"],
    )
}

pub(super) fn reference(random: &mut impl Rng) -> Option<String> {
    random
        .random_ratio(1, 3)
        .then(|| format!("PO {} / Größe L", random.random_range(1_000..10_000)))
}

fn maybe(
    random: &mut impl Rng,
    times: u32,
    of: u32,
    from: &[&'static str],
) -> Option<&'static str> {
    random.random_ratio(times, of).then(|| pick(random, from))
}

fn pick(random: &mut impl Rng, from: &[&'static str]) -> &'static str {
    from.choose(random).expect("the list is not empty")
}
