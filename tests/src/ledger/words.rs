//! The texts of made-up documents: who clients are and where they live, what documents are numbered and say.

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

/// Where a client lives.
#[derive(Clone, Copy, Debug)]
struct Place {
    line1: &'static str,
    city: &'static str,
    region: Option<&'static str>,
    postal_code: &'static str,
    country: &'static str,
}

const fn place(
    line1: &'static str,
    city: &'static str,
    region: Option<&'static str>,
    postal_code: &'static str,
    country: &'static str,
) -> Place {
    Place {
        line1,
        city,
        region,
        postal_code,
        country,
    }
}

const WORLD: [Place; 5] = [
    place("Havnegade 12", "Aarhus", None, "8000", "DK"),
    place("1 Main Street", "Springfield, OR", None, "97477", "US"),
    place("ul. Długa 5/7", "Kraków", None, "31-147", "PL"),
    place("東京都千代田区 1-1", "東京", None, "100-0001", "JP"),
    place("Königsallee 3", "Düsseldorf", None, "40212", "DE"),
];

const AMERICA: [Place; 3] = [
    place("1 Main Street", "Springfield", Some("OR"), "97477", "US"),
    place(
        "742 Evergreen Terrace",
        "Portland",
        Some("OR"),
        "97201",
        "US",
    ),
    place(
        "500 Market St, Suite 9",
        "San José",
        Some("CA"),
        "95110",
        "US",
    ),
];

const EUROPE: [Place; 4] = [
    place("221b Baker Street", "London", None, "NW1 6XE", "GB"),
    place("Calle de Alcalá 4", "Madrid", None, "28014", "ES"),
    place("12 O’Connell St", "Dublin", None, "D01 F5P2", "IE"),
    place("Königsallee 3", "Düsseldorf", None, "40212", "DE"),
];

/// Where a business's clients live.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Region {
    /// Anywhere, and some give no address.
    World,
    /// In the United States; all give an address.
    America,
    /// In Europe; some give no address.
    Europe,
}

impl Region {
    const fn places(self) -> &'static [Place] {
        match self {
            Self::World => &WORLD,
            Self::America => &AMERICA,
            Self::Europe => &EUROPE,
        }
    }

    fn maybe(self, random: &mut impl Rng) -> Option<&'static Place> {
        let gives = self == Self::America || random.random_ratio(3, 4);
        gives.then(|| self.any(random))
    }

    fn any(self, random: &mut impl Rng) -> &'static Place {
        let places = self.places();
        places.choose(random).expect("the list is not empty")
    }
}

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
    region: Region,
    place: Option<&'static Place>,
    notes: Option<&'static str>,
}

impl Person {
    /// The `serial`th client; the serial in the name keeps names apart.
    pub(super) fn random(random: &mut impl Rng, region: Region, serial: usize) -> Self {
        Self {
            serial,
            name: name(random, serial),
            company: random.random_ratio(1, 3),
            phone: random
                .random_ratio(1, 2)
                .then(|| format!("+45 {:08}", random.random_range(0..100_000_000))),
            region,
            place: region.maybe(random),
            notes: maybe(random, 1, 4, &NOTES),
        }
    }

    /// Moves house and changes its number; sometimes its name.
    pub(super) fn change(&mut self, random: &mut impl Rng) {
        if random.random_ratio(1, 3) {
            self.name = name(random, self.serial);
        }
        self.phone = Some(format!("+1 555 {:07}", random.random_range(0..10_000_000)));
        self.place = Some(self.region.any(random));
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
        if let Some(place) = self.place {
            data["address"] = json!({
                "line1": place.line1, "city": place.city, "postalCode": place.postal_code,
                "country": place.country,
            });
            if let Some(region) = place.region {
                data["address"]["region"] = json!(region);
            }
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

/// A credit note's number; some are as long as invoices'.
pub(super) fn credit_number(random: &mut impl Rng, serial: usize) -> String {
    if random.random_ratio(1, 10) {
        return format!("Gutschrift/2026/Überseequartier/{serial:06}");
    }
    format!("CN-{serial:06}")
}

/// How a payment came.
pub(super) fn method(random: &mut impl Rng) -> Option<&'static str> {
    maybe(
        random,
        2,
        3,
        &["Bank transfer", "Cheque", "Card", "Überweisung"],
    )
}

/// Why a credit note was given.
pub(super) fn reason(random: &mut impl Rng) -> Option<&'static str> {
    maybe(
        random,
        2,
        3,
        &[
            "Hours billed twice",
            "Goods sent back\nin good order",
            "Gutschrift nach Absprache",
        ],
    )
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
