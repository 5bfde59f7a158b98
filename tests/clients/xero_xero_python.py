"""xero-python against the sandbox: every resource, batch, allocation, deletion, limit and fault.

At the end every successful reply of the run is checked against Xero's own OpenAPI files.
"""

import base64
import json
import time
from datetime import date, datetime, timezone
from decimal import Decimal

from xero_python.accounting import (
    Account,
    Accounts,
    AccountType,
    Allocation,
    Allocations,
    BankTransaction,
    BankTransactions,
    BatchPayment,
    BatchPayments,
    Contact,
    Contacts,
    CreditNote,
    Currency,
    CurrencyCode,
    HistoryRecord,
    HistoryRecords,
    Invoice,
    Invoices,
    Item,
    Items,
    LineAmountTypes,
    LineItem,
    LineItemTracking,
    Payment,
    PaymentDelete,
    Payments,
    Purchase,
    TaxComponent,
    TaxRate,
    TaxRates,
    TrackingCategory,
    TrackingOption,
)
from xero_python.exceptions import (
    AccountingBadRequestException,
    HTTPStatusException,
    NotFoundException,
    RateLimitException,
)

import openapi
from organisations import Organisation, invoice, line, payment
from sandbox import case, control, equal, fault, journal, raises, run_cases

NO_ID = "00000000-0000-0000-0000-000000000000"


def messages(error):
    """What a validation exception says of its first element."""
    return [found["Message"] for found in error.error_data["Elements"][0]["ValidationErrors"]]


@case
def the_organisation_and_its_chart_are_read():
    books = Organisation(name="Acme", countryCode="NZ", currencies=["USD"])
    organisation = books.api.get_organisations(books.tenant).organisations[0]
    equal((organisation.name, organisation.version), ("Acme", "NZ"))
    equal(organisation.organisation_id, books.tenant)
    equal(organisation.base_currency.value, "NZD")
    equal(organisation.period_lock_date, None)
    accounts = books.api.get_accounts(
        books.tenant, where='Type=="BANK"', order="Name DESC"
    ).accounts
    equal([account.name for account in accounts], ["Card Takings", "Business Bank Account"])
    equal([account.code for account in accounts], [None, "090"])
    rates = books.api.get_tax_rates(books.tenant, where='Status=="ACTIVE"').tax_rates
    rate = next(rate for rate in rates if rate.tax_type == "OUTPUT2")
    equal((rate.effective_rate, rate.can_apply_to_revenue), (15, True))
    equal(rate.tax_components[0].rate, 15)
    codes = [currency.code.value for currency in books.api.get_currencies(books.tenant).currencies]
    equal(sorted(codes), ["NZD", "USD"])
    books.api.create_currency(books.tenant, Currency(code=CurrencyCode.EUR))
    themes = books.api.get_branding_themes(books.tenant).branding_themes
    equal(themes[0].sort_order, 0)


@case
def the_chart_is_written():
    books = Organisation()
    account = Account(code="201", name="Fees", type=AccountType.REVENUE)
    account = books.api.create_account(books.tenant, account).accounts[0]
    equal(account._class, "REVENUE")
    change = Accounts(accounts=[Account(name="Other fees")])
    changed = books.api.update_account(books.tenant, account.account_id, change).accounts[0]
    equal((changed.name, changed.code), ("Other fees", "201"))
    deleted = books.api.delete_account(books.tenant, account.account_id).accounts[0]
    equal(deleted.status, "DELETED")
    parts = [
        TaxComponent(name="State", rate=5),
        TaxComponent(name="City", rate=10, is_compound=True),
    ]
    rates = TaxRates(tax_rates=[TaxRate(name="Both", tax_components=parts)])
    rate = books.api.create_tax_rates(books.tenant, rates).tax_rates[0]
    equal((rate.tax_type, rate.effective_rate), ("TAX001", Decimal("15.5")))
    details = Purchase(unit_price=Decimal("7.5"), account_code="260", tax_type="RROUTPUT")
    items = Items(items=[Item(code="hour", name="Hour", sales_details=details)])
    books.api.create_items(books.tenant, items)
    error = raises(AccountingBadRequestException, books.api.create_items, books.tenant, items)
    equal(messages(error), ["Price List Item with Code 'hour' already exists"])
    kept = books.api.get_items(books.tenant, where='Code=="hour"').items[0]
    equal(kept.sales_details.unit_price, Decimal("7.5"))
    region = books.api.create_tracking_category(books.tenant, TrackingCategory(name="Region"))
    region = region.tracking_categories[0]
    option = books.api.create_tracking_options(
        books.tenant, region.tracking_category_id, TrackingOption(name="North")
    ).options[0]
    contact = books.contact("Acme")
    choice = LineItemTracking(
        tracking_category_id=region.tracking_category_id,
        tracking_option_id=option.tracking_option_id,
    )
    lines = [line("10", tracking=[choice])]
    made = books.invoice(contact, "I-1", line_items=lines)
    equal(made.line_items[0].tracking[0].option, "North")


@case
def contacts_are_made_found_archived_and_merged():
    books = Organisation()
    made = books.contact("Acme", contact_number="c-1", email_address="a@b.example")
    equal(made.contact_status, "ACTIVE")
    equal([address.address_type for address in made.addresses], ["POBOX", "STREET"])
    found = books.api.get_contact_by_contact_number(books.tenant, "c-1").contacts[0]
    equal(found.contact_id, made.contact_id)
    taken = Contacts(contacts=[Contact(name="Other", contact_number="c-1")])
    error = raises(AccountingBadRequestException, books.api.create_contacts, books.tenant, taken)
    equal("already assigned" in messages(error)[0], True)
    change = Contacts(contacts=[Contact(contact_number="c-1", name="Acme Ltd")])
    changed = books.api.update_or_create_contacts(books.tenant, change).contacts[0]
    equal((changed.contact_id, changed.name), (made.contact_id, "Acme Ltd"))
    equal(changed.email_address, "a@b.example")
    archive = Contacts(contacts=[Contact(contact_id=made.contact_id, contact_status="ARCHIVED")])
    books.api.update_contact(books.tenant, made.contact_id, archive)
    equal(books.api.get_contacts(books.tenant, page=1).contacts, [])
    hidden = books.api.get_contacts(books.tenant, page=1, include_archived=True).contacts
    equal(hidden[0].contact_status, "ARCHIVED")
    one, other = books.contact("One"), books.contact("Other")
    books.human(entity="Contact", id=one.contact_id, action="merge", into=other.contact_id)
    merged = books.api.get_contact(books.tenant, one.contact_id).contacts[0]
    equal(merged.merged_to_contact_id, other.contact_id)
    by_name = books.api.get_contacts(books.tenant, where='Name.ToLower()=="other"').contacts
    equal([contact.contact_id for contact in by_name], [other.contact_id])
    by_term = books.api.get_contacts(books.tenant, search_term="othe", page=1).contacts
    equal(len(by_term), 1)


@case
def invoices_are_computed_line_by_line():
    books = Organisation()
    contact = books.contact("Acme")
    small = [line("0.13"), line("0.13"), line("0.13")]
    made = books.invoice(
        contact, "I-1", line_items=small, line_amount_types=LineAmountTypes.EXCLUSIVE
    )
    equal(
        (made.sub_total, made.total_tax, made.total),
        (Decimal("0.39"), Decimal("0.09"), Decimal("0.48")),
    )
    made = books.invoice(
        contact, "I-2", line_items=small, line_amount_types=LineAmountTypes.INCLUSIVE
    )
    equal(
        (made.sub_total, made.total_tax, made.total),
        (Decimal("0.33"), Decimal("0.06"), Decimal("0.39")),
    )
    priced = LineItem(
        description="x", quantity=Decimal(3), unit_amount=Decimal("0.3355"), account_code="200"
    )
    made = books.invoice(contact, "I-3", line_items=[priced])
    equal((made.line_items[0].unit_amount, made.total), (Decimal("0.3355"), Decimal("1.01")))
    rated = line("10", discount_rate=Decimal("12.5"))
    fixed = line("10", discount_amount=Decimal("2.5"))
    made = books.invoice(contact, "I-4", line_items=[rated, fixed])
    equal((made.total, made.total_discount), (Decimal("16.25"), Decimal("3.75")))
    equal((made.date, made.due_date), (date(2026, 3, 1), date(2026, 3, 31)))
    equal(made.amount_due, made.total)
    equal(made.status, "AUTHORISED")


@case
def numbers_are_unique_under_put_and_found_under_post():
    books = Organisation()
    contact = books.contact("Acme")
    made = books.invoice(contact, "I-1", "5")
    error = raises(AccountingBadRequestException, books.invoice, contact, "I-1", "6")
    equal(messages(error), ["Invoice # must be unique."])
    element = error.error_data["Elements"][0]
    equal((element["InvoiceID"], element["HasErrors"]), (NO_ID, True))
    equal(error.error_data["ErrorNumber"], 10)
    wanted = Invoices(invoices=[invoice(contact, "I-1", "6")])
    posted = books.api.update_or_create_invoices(books.tenant, wanted).invoices[0]
    equal((posted.invoice_id, posted.total), (made.invoice_id, 6))


@case
def a_batch_tells_each_outcome_or_hides_what_it_saved():
    books = Organisation()
    contact = books.contact("Acme")
    bad = invoice(contact, "I-2", "2")
    bad.line_items[0].account_code = "999"
    wanted = Invoices(invoices=[invoice(contact, "I-1", "1"), bad, invoice(contact, "I-3", "3")])
    reply = books.api.create_invoices(books.tenant, wanted, summarize_errors=False, unitdp=4)
    outcomes = [element.status_attribute_string for element in reply.invoices]
    equal(outcomes, ["OK", "ERROR", "OK"])
    equal(reply.invoices[1].has_errors, True)
    text = "Account code '999' is not a valid code for this document."
    equal(reply.invoices[1].validation_errors[0].message, text)
    for element in wanted.invoices:
        element.invoice_number += "b"
    error = raises(AccountingBadRequestException, books.api.create_invoices, books.tenant, wanted)
    failed = [element["InvoiceNumber"] for element in error.error_data["Elements"]]
    equal(failed, ["I-2b"])
    equal(books.total("Invoice"), (4, "8", "8"))


@case
def invoices_are_listed_by_page_filter_and_change():
    books = Organisation()
    contact = books.contact("Acme")
    wanted = Invoices(
        invoices=[invoice(contact, f"I-{number}", str(number)) for number in range(1, 6)]
    )
    made = books.api.create_invoices(books.tenant, wanted).invoices
    numbers = lambda reply: [found.invoice_number for found in reply.invoices]
    page = books.api.get_invoices(books.tenant, order="InvoiceNumber", page=2, page_size=2)
    equal(numbers(page), ["I-3", "I-4"])
    equal((page.pagination.page_count, page.pagination.item_count), (3, 5))
    equal(len(page.invoices[0].line_items), 1)
    wanted = {"invoice_numbers": ["I-2", "I-4"], "order": "InvoiceNumber"}
    some = books.api.get_invoices(books.tenant, page=1, **wanted)
    equal(numbers(some), ["I-2", "I-4"])
    one = books.api.get_invoices(books.tenant, i_ds=[made[0].invoice_id])
    equal(numbers(one), ["I-1"])
    condition = "AmountDue>=2 AND AmountDue<4 AND Date>=DateTime(2026,03,01)"
    between = books.api.get_invoices(books.tenant, where=condition, order="Total")
    equal(numbers(between), ["I-2", "I-3"])
    contact_id = f'Contact.ContactID==guid("{contact.contact_id}")'
    backwards = books.api.get_invoices(books.tenant, where=contact_id, order="InvoiceNumber DESC")
    equal(numbers(backwards)[0], "I-5")
    equal(numbers(books.api.get_invoices(books.tenant, statuses=["PAID"])), [])
    equal(len(numbers(books.api.get_invoices(books.tenant, created_by_my_app=True))), 5)
    error = raises(
        AccountingBadRequestException, books.api.get_invoices, books.tenant, where="Nope==1"
    )
    equal(error.error_data["ErrorNumber"], 16)
    control("POST", "/clock", {"advanceMs": 10_000})
    later = datetime.fromtimestamp(time.time() + 8, tz=timezone.utc)
    books.human(entity="Invoice", id=made[1].invoice_id, action="edit", changes={"Reference": "r"})
    changed = books.api.get_invoices(books.tenant, if_modified_since=later, page=1)
    equal(numbers(changed), ["I-2"])
    raises(NotFoundException, books.api.get_invoice, books.tenant, NO_ID)


@case
def invoices_follow_their_statuses_and_lock_dates():
    books = Organisation()
    contact = books.contact("Acme")
    draft = books.invoice(contact, "I-1", "5", status="DRAFT")
    change = lambda made, **more: books.api.update_invoice(
        books.tenant, made.invoice_id, Invoices(invoices=[Invoice(**more)])
    ).invoices[0]
    equal(change(draft, status="AUTHORISED").status, "AUTHORISED")
    equal(change(draft, reference="mine").reference, "mine")
    equal(change(draft, status="VOIDED").amount_due, 0)
    error = raises(AccountingBadRequestException, change, draft, status="AUTHORISED")
    equal(messages(error), ["Invoice not of valid status for modification"])
    books.change(periodLockDate="2026-03-01")
    error = raises(AccountingBadRequestException, books.invoice, contact, "I-2", "5")
    equal("period lock date" in messages(error)[0], True)
    equal(books.invoice(contact, "I-2", "5", status="DRAFT").status, "DRAFT")
    organisation = books.api.get_organisations(books.tenant).organisations[0]
    equal(organisation.period_lock_date, date(2026, 3, 1))


@case
def payments_are_made_refused_found_and_deleted():
    books = Organisation()
    contact = books.contact("Acme")
    made = books.invoice(contact, "I-1", "10")
    first = books.pay(made, "4", reference="pay-1")
    equal((first.payment_type, first.status, first.amount), ("ACCRECPAYMENT", "AUTHORISED", 4))
    error = raises(AccountingBadRequestException, books.pay, made, "6.01")
    equal(messages(error), ["Payment amount exceeds the amount outstanding on this document"])
    wanted = Payments(payments=[payment(made, "6", reference="pay-2")])
    books.api.create_payments(books.tenant, wanted, summarize_errors=False)
    paid = books.api.get_invoice(books.tenant, made.invoice_id).invoices[0]
    equal((paid.status, paid.amount_paid, paid.fully_paid_on_date), ("PAID", 10, date(2026, 3, 10)))
    equal(sorted(part.reference for part in paid.payments), ["pay-1", "pay-2"])
    condition = f'Invoice.InvoiceID==guid("{made.invoice_id}") AND Reference=="pay-2"'
    found = books.api.get_payments(books.tenant, where=condition).payments
    equal([part.amount for part in found], [6])
    delete = PaymentDelete(status="DELETED")
    gone = books.api.delete_payment(books.tenant, first.payment_id, delete).payments[0]
    equal(gone.status, "DELETED")
    opened = books.api.get_invoice(books.tenant, made.invoice_id).invoices[0]
    equal((opened.status, opened.amount_due), ("AUTHORISED", 4))
    equal(books.total("Payment"), (2, "6", "0"))


@case
def a_batch_of_payments_is_one():
    books = Organisation()
    contact = books.contact("Acme")
    made = [books.invoice(contact, f"I-{number}", "5") for number in range(2)]
    parts = [Payment(invoice=Invoice(invoice_id=one.invoice_id), amount=Decimal(5)) for one in made]
    batch = BatchPayment(account=Account(code="090"), date=date(2026, 3, 10), payments=parts)
    batches = BatchPayments(batch_payments=[batch])
    batch = books.api.create_batch_payment(books.tenant, batches).batch_payments[0]
    equal((len(batch.payments), batch.total_amount), (2, 10))
    equal(books.total("Invoice"), (2, "10", "0"))


@case
def credit_notes_are_allocated_and_refunded():
    books = Organisation()
    contact = books.contact("Acme")
    made = books.invoice(contact, "I-1", "10")
    note = books.credit_note(contact, "C-1", "8")
    equal((note.remaining_credit, note.status), (8, "AUTHORISED"))
    allocation = Allocation(
        amount=Decimal(6), date=date(2026, 3, 6), invoice=Invoice(invoice_id=made.invoice_id)
    )
    wanted = Allocations(allocations=[allocation])
    given = books.api.create_credit_note_allocation(books.tenant, note.credit_note_id, wanted)
    equal(given.allocations[0].amount, 6)
    error = raises(
        AccountingBadRequestException,
        books.api.create_credit_note_allocation,
        books.tenant,
        note.credit_note_id,
        wanted,
    )
    text = "Credit Note cannot be allocated as amount is greater than amount outstanding"
    equal(messages(error), [text])
    read = books.api.get_credit_note(books.tenant, note.credit_note_id).credit_notes[0]
    equal((read.remaining_credit, read.allocations[0].amount), (2, 6))
    invoiced = books.api.get_invoice(books.tenant, made.invoice_id).invoices[0]
    equal((invoiced.amount_credited, invoiced.amount_due), (6, 4))
    refund = Payment(
        credit_note=CreditNote(credit_note_id=note.credit_note_id),
        account=Account(code="090"),
        date=date(2026, 3, 10),
        amount=Decimal(2),
    )
    refund = books.api.create_payment(books.tenant, refund).payments[0]
    equal(refund.payment_type, "ARCREDITPAYMENT")
    allocation_id = read.allocations[0].allocation_id
    gone = books.api.delete_credit_note_allocations(
        books.tenant, note.credit_note_id, allocation_id
    )
    equal(gone.is_deleted, True)
    equal(books.total("CreditNote"), (1, "8", "6"))


@case
def overpayments_and_prepayments_come_from_the_bank():
    books = Organisation()
    contact = books.contact("Acme")
    made = books.invoice(contact, "I-1", "10")
    for sort, code in (("RECEIVE-OVERPAYMENT", "610"), ("RECEIVE-PREPAYMENT", "200")):
        transaction = BankTransaction(
            type=sort,
            contact=Contact(contact_id=contact.contact_id),
            bank_account=Account(code="090"),
            date=date(2026, 3, 10),
            reference=sort,
            line_amount_types=LineAmountTypes.NOTAX,
            line_items=[
                LineItem(description="x", quantity=1, unit_amount=Decimal(7), account_code=code)
            ],
        )
        wanted = BankTransactions(bank_transactions=[transaction])
        banked = books.api.create_bank_transactions(books.tenant, wanted).bank_transactions[0]
        equal((banked.total, banked.status), (7, "AUTHORISED"))
        share = Allocations(
            allocations=[
                Allocation(
                    amount=Decimal(3),
                    date=date(2026, 3, 10),
                    invoice=Invoice(invoice_id=made.invoice_id),
                )
            ]
        )
        if sort == "RECEIVE-OVERPAYMENT":
            key = banked.overpayment_id
            books.api.create_overpayment_allocations(books.tenant, key, share)
            credit = books.api.get_overpayment(books.tenant, key).overpayments[0]
        else:
            key = banked.prepayment_id
            books.api.create_prepayment_allocations(books.tenant, key, share)
            credit = books.api.get_prepayment(books.tenant, key).prepayments[0]
        equal((credit.remaining_credit, credit.type), (4, sort))
        found = books.api.get_bank_transactions(books.tenant, where=f'Reference=="{sort}"')
        equal(len(found.bank_transactions), 1)
    read = books.api.get_invoice(books.tenant, made.invoice_id).invoices[0]
    equal(read.amount_due, 4)
    books.books()


@case
def money_in_other_currencies_has_a_rate():
    books = Organisation(currencies=["USD"], exchangeRates={"USD": "1.25"})
    contact = books.contact("Acme")
    made = books.invoice(contact, "I-1", "10", currency_code=CurrencyCode.USD)
    equal((made.currency_code.value, made.currency_rate), ("USD", Decimal("1.25")))
    paid = books.pay(made, "5")
    equal((paid.currency_rate, paid.bank_amount), (Decimal("1.25"), 4))
    error = raises(
        AccountingBadRequestException,
        books.invoice,
        contact,
        "I-2",
        "5",
        currency_code=CurrencyCode.JPY,
    )
    equal(messages(error), ["Organisation is not subscribed to currency JPY"])


@case
def keys_replay_the_first_reply():
    books = Organisation()
    contact = books.contact("Acme")
    wanted = Invoices(invoices=[invoice(contact, None, "5")])
    send = lambda **more: books.api.create_invoices(
        books.tenant, wanted, idempotency_key="k-1", **more
    )
    first, second = send().invoices[0], send().invoices[0]
    equal(first.invoice_id, second.invoice_id)
    equal(journal()[-1]["execution"], "replayed")
    error = raises(AccountingBadRequestException, send, unitdp=4)
    equal("is used with a different request" in error.error_data["Message"], True)
    control("POST", "/clock", {"advanceMs": 361_000})
    books.token["expires_at"] = time.time() + 1800
    equal(send().invoices[0].invoice_id == first.invoice_id, False)


@case
def tokens_are_refreshed_and_connections_listed():
    books = Organisation()
    other = Organisation(user=books.tenant)
    tenants = lambda **more: {found.tenant_id for found in books.identity.get_connections(**more)}
    equal(tenants(), {books.tenant, other.tenant})
    equal(tenants(auth_event_id=other.auth_event), {other.tenant})
    middle = books.token["access_token"].split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    equal(claims["authentication_event_id"], books.auth_event)
    before = dict(books.token)
    books.token["expires_at"] = 0
    books.api.get_organisations(books.tenant)
    equal(books.token["refresh_token"] == before["refresh_token"], False)
    equal(books.token["expires_in"], 1800)
    connection = next(
        found for found in books.identity.get_connections() if found.tenant_id == other.tenant
    )
    books.identity.delete_connection(connection.id)
    equal(tenants(), {books.tenant})
    error = raises(HTTPStatusException, books.api.get_organisations, other.tenant)
    equal(error.status, 403)
    books.api_client.revoke_oauth2_token()
    equal(books.token["access_token"], None)


@case
def tokens_open_what_their_scopes_say():
    # Another application: scopes add up over the consents of one person to one application.
    few = Organisation(scopes="offline_access accounting.invoices.read", client=("few", "secret"))
    few.api.get_invoices(few.tenant)
    error = raises(HTTPStatusException, few.api.get_organisations, few.tenant)
    equal((error.status, b"AuthorizationUnsuccessful" in error.body), (401, True))
    control("POST", "/apps", {"clientId": "own", "clientSecret": "s", "customTenant": few.tenant})


@case
def limits_are_told_in_headers_and_by_name():
    books = Organisation()
    for name in ("minute", "day", "concurrent", "appminute"):
        fault({"realm": books.tenant}, {"refuse": {"name": name}})
        error = raises(RateLimitException, books.api.get_organisations, books.tenant)
        equal(error.rate_limit, name)
        equal("retry-after" in error.headers, name != "concurrent")
    control("PATCH", "/settings", {"limits": {"perMinute": 60, "perDay": 5000}})
    _, status, headers = books.api.get_organisations(books.tenant, _return_http_data_only=False)
    equal((status, headers["X-MinLimit-Remaining"]), (200, "59"))
    control("PATCH", "/settings", {"limits": {"perMinute": None, "perDay": None}})


@case
def lost_replies_leave_their_effects():
    books = Organisation()
    contact = books.contact("Acme")
    match = {"realm": books.tenant, "operation": "create"}
    wanted = Invoices(invoices=[invoice(contact, "I-1", "5")])
    send = lambda: books.api.create_invoices(books.tenant, wanted, idempotency_key="lost-1")
    fault(match, {"commitThenStatus": {"code": 502}})
    equal(raises(HTTPStatusException, send).status, 502)
    equal(send().invoices[0].invoice_number, "I-1")
    fault(match, {"refuse": {"name": "organisationOffline"}})
    error = raises(HTTPStatusException, books.pay, wanted.invoices[0], "5")
    equal((error.status, error.body), (503, b"The Organisation is offline"))
    equal(books.total("Invoice"), (1, "5", "5"))


@case
def the_history_is_kept():
    books = Organisation()
    contact = books.contact("Acme")
    made = books.invoice(contact, "I-1", "5")
    note = HistoryRecords(history_records=[HistoryRecord(details="paid by cheque")])
    books.api.create_invoice_history(books.tenant, made.invoice_id, note)
    read = books.api.get_invoice_history(books.tenant, made.invoice_id).history_records
    equal([record.changes for record in read], ["Note", "Created"])


@case
def every_reply_of_this_run_fits_the_contract():
    contract = openapi.load()
    if contract is None:
        print("        Xero's OpenAPI files are not at hand: replies not checked")
        return
    entries = journal()
    checked, complaints = openapi.check_replies(contract, entries)
    equal(sorted(complaints), [])
    equal(checked > 80, True)
    print(f"        {checked} replies checked")


run_cases()
