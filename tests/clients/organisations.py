"""Xero organisations for the scripts: made, connected, filled with the usual documents."""

import time
from datetime import date
from decimal import Decimal

from xero_python.accounting import (
    Account,
    AccountingApi,
    Contact,
    Contacts,
    CreditNote,
    CreditNotes,
    Invoice,
    Invoices,
    LineAmountTypes,
    LineItem,
    Payment,
)
from xero_python.api_client import ApiClient
from xero_python.api_client.configuration import Configuration
from xero_python.api_client.oauth2 import OAuth2Token, TokenApi
from xero_python.identity import IdentityApi

import sandbox

CLIENT = ("foreign-app", "foreign-secret")

# The library has these addresses as attributes of a class.
TokenApi.refresh_token_url = f"{sandbox.URL}/connect/token"
TokenApi.client_credentials_token_url = f"{sandbox.URL}/connect/token"
TokenApi.revoke_token_url = f"{sandbox.URL}/connect/revocation"


class Organisation:
    """A fresh organisation with a connected xero-python client."""

    def __init__(self, scopes=None, user=None, client=CLIENT, **profile):
        made = sandbox.control("POST", "/organisations", profile)
        self.tenant = made["tenantId"]
        self.client_id, self.client_secret = client
        consent = {
            "clientId": self.client_id,
            "clientSecret": self.client_secret,
            "tenants": [self.tenant],
            "scopes": scopes,
            # Connections belong to a person: one for each organisation keeps the cases apart.
            "userId": user or self.tenant,
        }
        issued = sandbox.control("POST", "/tokens", consent)
        self.auth_event = issued["authEventId"]
        self.token = {
            "access_token": issued["accessToken"],
            "refresh_token": issued["refreshToken"],
            "id_token": issued["idToken"],
            "scope": issued["scope"].split(),
            "expires_in": issued["expiresIn"],
            "expires_at": time.time() + issued["expiresIn"],
            "token_type": "Bearer",
        }
        configuration = Configuration(
            debug=False,
            oauth2_token=OAuth2Token(client_id=self.client_id, client_secret=self.client_secret),
        )
        self.api_client = ApiClient(
            configuration,
            oauth2_token_getter=lambda: self.token,
            oauth2_token_saver=self._save,
        )
        # Otherwise the library sleeps as long as a 429 says and tries again by itself.
        self.api_client.rest_client.pool_manager.connection_pool_kw["retries"] = 0
        self.api = AccountingApi(self.api_client, base_url=f"{sandbox.URL}/api.xro/2.0")
        self.identity = IdentityApi(self.api_client, base_url=sandbox.URL)

    def _save(self, token):
        self.token = token

    def change(self, **profile):
        sandbox.control("PATCH", f"/organisations/{self.tenant}", profile)

    def human(self, **work):
        return sandbox.control("POST", "/human", {"tenantId": self.tenant, **work})

    def books(self):
        """The books, which must balance."""
        books = sandbox.control("GET", f"/books/{self.tenant}")
        sandbox.equal(books["imbalances"], [])
        return books

    def total(self, kind):
        """Count, sum and outstanding sum of a kind in the base currency."""
        rows = [row for row in self.books()["totals"] if row["kind"] == kind]
        sandbox.equal(len(rows), 1)
        return rows[0]["count"], rows[0]["sum"], rows[0]["outstanding"]

    def contact(self, name, **more):
        contacts = Contacts(contacts=[Contact(name=name, **more)])
        return self.api.create_contacts(self.tenant, contacts).contacts[0]

    def invoice(self, contact, number, *amounts, **more):
        invoices = Invoices(invoices=[invoice(contact, number, *amounts, **more)])
        return self.api.create_invoices(self.tenant, invoices, unitdp=4).invoices[0]

    def credit_note(self, contact, number, *amounts):
        note = CreditNote(
            type="ACCRECCREDIT",
            contact=Contact(contact_id=contact.contact_id),
            credit_note_number=number,
            date=date(2026, 3, 5),
            line_amount_types=LineAmountTypes.NOTAX,
            status="AUTHORISED",
            line_items=[line(amount) for amount in amounts],
        )
        return self.api.create_credit_notes(
            self.tenant, CreditNotes(credit_notes=[note])
        ).credit_notes[0]

    def pay(self, document, amount, **more):
        """Pays an invoice from the bank account."""
        wanted = payment(document, amount, **more)
        return self.api.create_payment(self.tenant, wanted).payments[0]


def line(amount, **more):
    return LineItem(
        description="Work",
        quantity=Decimal(1),
        unit_amount=Decimal(amount),
        account_code="200",
        **more,
    )


def invoice(contact, number, *amounts, **more):
    """An approved sales invoice without tax, not yet sent."""
    wanted = {
        "type": "ACCREC",
        "contact": Contact(contact_id=contact.contact_id),
        "invoice_number": number,
        "date": date(2026, 3, 1),
        "due_date": date(2026, 3, 31),
        "line_amount_types": LineAmountTypes.NOTAX,
        "status": "AUTHORISED",
        "line_items": [line(amount) for amount in amounts],
        **more,
    }
    return Invoice(**wanted)


def payment(document, amount, **more):
    """A payment of an invoice, not yet sent."""
    wanted = {
        "invoice": Invoice(invoice_id=document.invoice_id),
        "account": Account(code="090"),
        "date": date(2026, 3, 10),
        "amount": Decimal(amount),
        "reference": "pay-1",
        **more,
    }
    return Payment(**wanted)
