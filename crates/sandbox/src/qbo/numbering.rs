//! The numbers the service hands out when it stores an object: document numbers, address ids.

use serde_json::{Value, json};

use super::company::Company;
use super::fault::QboFault;
use super::kind::Kind;
use super::record::{Members, Record};
use super::writing::Circumstances;

/// Gives the document its number or refuses the one it brings.
pub fn settle_number(
    company: &mut Company,
    kind: Kind,
    before: Option<&Record>,
    data: &mut Members,
    circumstances: Circumstances,
) -> Result<(), QboFault> {
    if !kind.is_sales_form() {
        return Ok(());
    }
    let forced = data.remove("AutoDocNumber") == Some(Value::Bool(true));
    let number = data.get("DocNumber").and_then(Value::as_str);
    let number = number.unwrap_or_default().to_owned();
    let custom = company.profile.custom_txn_numbers;
    if forced || number == "AUTO_GENERATE" || (number.is_empty() && !custom) {
        let next = company.next_doc_number();
        data.insert("DocNumber".to_owned(), json!(next));
        return Ok(());
    }
    let unchanged = before.is_some_and(|record| record.text("DocNumber") == number);
    if number.is_empty() || !custom || circumstances.may_repeat_number || unchanged {
        return Ok(());
    }
    let id = before.map(|record| record.id.as_str());
    match company.doc_number_owner(kind, &number, id) {
        None => Ok(()),
        Some(owner) => Err(QboFault::validation(
            "6140",
            "Duplicate Document Number Error",
            format!(
                "Duplicate Document Number Error : You must specify a different number. This \
                 number has already been used. DocNumber={number} is assigned to TxnType={} \
                 with TxnId={owner}",
                kind.name()
            ),
        )),
    }
}

/// Gives addresses their ids; an unchanged address keeps the one it has.
pub fn settle_addresses(company: &mut Company, before: Option<&Members>, data: &mut Members) {
    for name in ["BillAddr", "ShipAddr", "ShipFromAddr"] {
        let known = before.and_then(|before| before.get(name)).cloned();
        let Some(Value::Object(address)) = data.get_mut(name) else {
            continue;
        };
        if let Some(Value::Object(known)) = known {
            let mut bare = known.clone();
            for member in ["Id", "Lat", "Long"] {
                bare.remove(member);
                address.remove(member);
            }
            if bare == *address {
                *address = known;
                continue;
            }
        }
        address.insert("Id".to_owned(), json!(company.next_address_id()));
        address.insert("Lat".to_owned(), json!("INVALID"));
        address.insert("Long".to_owned(), json!("INVALID"));
    }
}
