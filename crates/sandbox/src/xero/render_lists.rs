//! Payments and the small lists as the API shows them.

use serde_json::{Value, json};

use super::dates;
use super::kind::Kind;
use super::ledger::{Account, Category, Item, Price, TaxRate};
use super::number::{self, money};
use super::organisation::Organisation;
use super::payment::{Batch, Payment};
use super::shelf::Revision;

/// A payment.
pub fn payment(organisation: &Organisation, revision: &Revision<Payment>) -> Value {
    let payment = &revision.value;
    let document = organisation.document(payment.of, &payment.document_id);
    let is_receivable = document.is_some_and(super::document::Document::is_receivable);
    let mut shown = json!({
        "PaymentID": payment.id,
        "Date": dates::day(payment.date),
        "Amount": money(payment.amount),
        "BankAmount": money(payment.bank_amount),
        "CurrencyRate": number::fixed(payment.rate, number::RATE_PLACES),
        "Reference": payment.reference,
        "PaymentType": payment_type(payment.of, is_receivable),
        "Status": if payment.is_deleted { "DELETED" } else { "AUTHORISED" },
        "UpdatedDateUTC": dates::instant(revision.at),
        "UpdatedDateUTCString": dates::instant_string(revision.at),
        "IsReconciled": payment.is_reconciled,
        "HasAccount": true,
        "HasValidationErrors": false,
    });
    if let Some(account) = organisation.accounts.get(&payment.account_id) {
        shown["Account"] = json!({"AccountID": account.id, "Code": account.code});
    }
    if let Some(batch) = &payment.batch_id {
        shown["BatchPaymentID"] = json!(batch);
    }
    if let Some(document) = document {
        let kind = payment.of;
        let contact = organisation.contacts.get(&document.contact_id);
        let mut part = json!({
            kind.id_member(): document.id,
            "Type": document.sort,
            "CurrencyCode": document.currency,
            "Contact": contact.map(|it| json!({"ContactID": it.id, "Name": it.name})),
            "LineItems": [],
        });
        match kind {
            Kind::Invoice => {
                part["InvoiceNumber"] = json!(document.number);
                part["HasErrors"] = json!(false);
                part["IsDiscounted"] = json!(!document.total_discount.is_zero());
            }
            Kind::CreditNote => {
                part["CreditNoteNumber"] = json!(document.number);
                part["HasErrors"] = json!(false);
            }
            _ => {}
        }
        shown[kind.name()] = part;
    }
    shown
}

fn payment_type(of: Kind, is_receivable: bool) -> &'static str {
    match (of, is_receivable) {
        (Kind::CreditNote, true) => "ARCREDITPAYMENT",
        (Kind::CreditNote, false) => "APCREDITPAYMENT",
        (Kind::Overpayment, true) => "AROVERPAYMENTPAYMENT",
        (Kind::Overpayment, false) => "APOVERPAYMENTPAYMENT",
        (Kind::Prepayment, true) => "ARPREPAYMENTPAYMENT",
        (Kind::Prepayment, false) => "APPREPAYMENTPAYMENT",
        (_, true) => "ACCRECPAYMENT",
        (_, false) => "ACCPAYPAYMENT",
    }
}

/// A batch payment.
pub fn batch(organisation: &Organisation, revision: &Revision<Batch>) -> Value {
    let batch = &revision.value;
    let payments = batch.payment_ids.iter();
    let payments = payments.filter_map(|id| organisation.payments.get(id));
    let total = payments.clone().map(|payment| payment.amount).sum();
    let payments = payments.map(|payment| {
        json!({
            "PaymentID": payment.id,
            "Invoice": {"InvoiceID": payment.document_id},
            "Amount": money(payment.amount),
        })
    });
    json!({
        "BatchPaymentID": batch.id,
        "Account": {"AccountID": batch.account_id},
        "Reference": batch.reference,
        "Date": dates::day(batch.date),
        "DateString": dates::day_string(batch.date),
        "Type": "RECBATCH",
        "Status": if batch.is_deleted { "DELETED" } else { "AUTHORISED" },
        "TotalAmount": money(total),
        "IsReconciled": false,
        "Payments": payments.collect::<Value>(),
        "UpdatedDateUTC": dates::instant(revision.at),
    })
}

/// An account.
pub fn account(revision: &Revision<Account>) -> Value {
    let account = &revision.value;
    let mut shown = json!({
        "AccountID": account.id,
        "Name": account.name,
        "Status": account.status,
        "Type": account.sort,
        "TaxType": account.tax_type,
        "Class": account.class(),
        "EnablePaymentsToAccount": account.enable_payments,
        "ShowInExpenseClaims": false,
        "HasAttachments": false,
        "AddToWatchlist": false,
        "UpdatedDateUTC": dates::instant(revision.at),
    });
    if !account.code.is_empty() {
        shown["Code"] = json!(account.code);
    }
    if !account.system.is_empty() {
        shown["SystemAccount"] = json!(account.system);
    }
    if !account.description.is_empty() {
        shown["Description"] = json!(account.description);
    }
    if account.sort == "BANK" {
        shown["BankAccountNumber"] = json!(account.bank_account_number);
        shown["BankAccountType"] = json!("BANK");
        shown["CurrencyCode"] = json!(account.currency);
    }
    shown
}

/// A tax rate.
pub fn tax_rate(rate: &TaxRate) -> Value {
    let components = rate.components.iter().map(|part| {
        json!({
            "Name": part.name,
            "Rate": number::fixed(part.rate, 4),
            "IsCompound": part.is_compound,
            "IsNonRecoverable": part.is_non_recoverable,
        })
    });
    let percent = number::fixed(rate.effective(), 4);
    let mut shown = json!({
        "Name": rate.name,
        "TaxType": rate.tax_type,
        "Status": rate.status,
        "TaxComponents": components.collect::<Value>(),
        "CanApplyToAssets": rate.on_others,
        "CanApplyToEquity": rate.on_others,
        "CanApplyToExpenses": rate.on_others,
        "CanApplyToLiabilities": rate.on_others,
        "CanApplyToRevenue": rate.on_revenue,
        "DisplayTaxRate": percent,
        "EffectiveRate": percent,
    });
    if !rate.report_tax_type.is_empty() {
        shown["ReportTaxType"] = json!(rate.report_tax_type);
    }
    shown
}

/// An item.
pub fn item(revision: &Revision<Item>, unit_places: u32) -> Value {
    let item = &revision.value;
    json!({
        "ItemID": item.id,
        "Code": item.code,
        "Name": item.name,
        "Description": item.description,
        "SalesDetails": price(&item.sales, unit_places),
        "PurchaseDetails": price(&item.purchase, unit_places),
        "IsTrackedAsInventory": false,
        "IsSold": true,
        "IsPurchased": true,
        "UpdatedDateUTC": dates::instant(revision.at),
    })
}

fn price(side: &Price, unit_places: u32) -> Value {
    let mut shown = json!({});
    if let Some(price) = side.unit {
        shown["UnitPrice"] = number::fixed(price, unit_places);
    }
    for (name, value) in [
        ("AccountCode", &side.account_code),
        ("TaxType", &side.tax_type),
    ] {
        if !value.is_empty() {
            shown[name] = json!(value);
        }
    }
    shown
}

/// A tracking category.
pub fn category(category: &Category) -> Value {
    let options = category.options.iter().map(|option| {
        json!({
            "TrackingOptionID": option.id,
            "Name": option.name,
            "Status": option.status,
            "HasValidationErrors": false,
        })
    });
    json!({
        "TrackingCategoryID": category.id,
        "Name": category.name,
        "Status": category.status,
        "Options": options.collect::<Value>(),
    })
}

/// The currencies it subscribed to, its own first.
pub fn currencies(organisation: &Organisation) -> Vec<Value> {
    let base = organisation.profile.base();
    let others = organisation.profile.currencies.iter().map(String::as_str);
    std::iter::once(base)
        .chain(others.filter(|code| *code != base))
        .map(|code| json!({"Code": code, "Description": code}))
        .collect()
}

/// The only layout.
pub fn branding_theme(organisation: &Organisation) -> Value {
    json!({
        "BrandingThemeID": organisation.branding_theme_id,
        "Name": "Standard",
        "Type": "INVOICE",
        "SortOrder": 0,
        "CreatedDateUTC": dates::instant(organisation.founded_at),
    })
}

/// The organisation itself.
pub fn organisation(organisation: &Organisation) -> Value {
    let profile = &organisation.profile;
    let sales = organisation.tax_rates.all().find(|rate| rate.on_revenue);
    let mut shown = json!({
        "OrganisationID": profile.tenant_id,
        "Name": profile.name,
        "LegalName": profile.name,
        "PaysTax": true,
        "Version": profile.version(),
        "OrganisationType": "COMPANY",
        "OrganisationEntityType": "COMPANY",
        "BaseCurrency": profile.base(),
        "CountryCode": profile.country_code,
        "IsDemoCompany": profile.demo,
        "OrganisationStatus": "ACTIVE",
        "FinancialYearEndDay": 31,
        "FinancialYearEndMonth": 12,
        "SalesTaxBasis": "ACCRUALS",
        "SalesTaxPeriod": "MONTHLY",
        "DefaultSalesTax": sales.map_or("None", |rate| rate.name.as_str()),
        "DefaultPurchasesTax": "None",
        "CreatedDateUTC": dates::instant(organisation.founded_at),
        "Timezone": timezone(&profile.country_code),
        "ShortCode": format!("!{}", &profile.tenant_id[..5]),
        "Class": "PREMIUM",
        "Edition": "BUSINESS",
        "Addresses": [],
        "Phones": [],
        "ExternalLinks": [],
        "PaymentTerms": {},
    });
    for (name, day) in [
        ("PeriodLockDate", profile.period_lock_date),
        ("EndOfYearLockDate", profile.end_of_year_lock_date),
    ] {
        if let Some(day) = day {
            shown[name] = json!(dates::day(day));
        }
    }
    shown
}

fn timezone(country: &str) -> &'static str {
    match country {
        "GB" => "GMTSTANDARDTIME",
        "AU" => "AUSEASTERNSTANDARDTIME",
        "NZ" => "NEWZEALANDSTANDARDTIME",
        "US" => "PACIFICSTANDARDTIME",
        _ => "UTC",
    }
}
