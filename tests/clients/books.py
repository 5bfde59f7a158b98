"""QuickBooks Online companies for the scripts: made, connected, filled with the usual documents."""

import warnings
from decimal import Decimal
from itertools import count

from intuitlib.client import AuthClient
from quickbooks import QuickBooks
from quickbooks.objects import (
    CreditMemo,
    Customer,
    Invoice,
    Item,
    Payment,
    PaymentLine,
    Ref,
    SalesItemLine,
    SalesItemLineDetail,
)

import sandbox

CLIENT = ("foreign-app", "foreign-secret")

_realms = count(4620816365000000001)


def auth_client(**more):
    """Intuit's own OAuth client, which reads where everything is from the discovery document."""
    document = f"{sandbox.URL}/.well-known/openid_configuration/"
    return AuthClient(*CLIENT, "http://localhost:8000/callback", document, **more)


class Company:
    """A fresh company with a connected python-quickbooks client."""

    def __init__(self, **profile):
        self.realm = str(next(_realms))
        sandbox.control("POST", "/companies", {"realm": self.realm, **profile})
        consent = {"clientId": CLIENT[0], "clientSecret": CLIENT[1], "realms": [self.realm]}
        self.tokens = sandbox.control("POST", "/tokens", consent)
        self.qb = self.client(self.tokens["accessToken"], self.tokens["refreshToken"])

    def client(self, access, refresh):
        """A client of the library with these tokens."""
        QuickBooks.api_url_v3 = f"{sandbox.URL}/v3"
        auth = auth_client(access_token=access, refresh_token=refresh, realm_id=self.realm)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return QuickBooks(
                auth_client=auth,
                refresh_token=refresh,
                company_id=self.realm,
                use_decimal=True,
                minorversion=75,
            )

    def change(self, **profile):
        sandbox.control("PATCH", f"/companies/{self.realm}", profile)

    def human(self, **work):
        return sandbox.control("POST", "/human", {"realm": self.realm, **work})

    def customer(self, name, **more):
        customer = Customer()
        customer.DisplayName = name
        for member, value in more.items():
            setattr(customer, member, value)
        return customer.save(qb=self.qb)

    def invoice(self, customer, *amounts, **more):
        return self._sale(Invoice(), customer, amounts, more).save(qb=self.qb)

    def credit_memo(self, customer, *amounts, **more):
        return self._sale(CreditMemo(), customer, amounts, more).save(qb=self.qb)

    def _sale(self, document, customer, amounts, more):
        document.CustomerRef = customer.to_ref()
        item = Item.get("1", qb=self.qb)
        for amount in amounts:
            line = SalesItemLine()
            line.Amount = Decimal(amount)
            line.SalesItemLineDetail = SalesItemLineDetail()
            line.SalesItemLineDetail.ItemRef = item.to_ref()
            line.SalesItemLineDetail.UnitPrice = Decimal(amount)
            line.SalesItemLineDetail.Qty = 1
            document.Line.append(line)
        for member, value in more.items():
            setattr(document, member, value)
        return document

    def draft_invoice(self, customer, *amounts, **more):
        """An invoice not yet sent."""
        return self._sale(Invoice(), customer, amounts, more)

    def payment(self, customer, total, *applied):
        """A payment, applied to documents as (document, amount)."""
        payment = Payment()
        payment.CustomerRef = customer.to_ref()
        payment.TotalAmt = Decimal(total)
        payment.Line = [applies(document, amount) for document, amount in applied]
        return payment.save(qb=self.qb)

    def balance_is_even(self):
        """Whether the books balanced after every write, by the sandbox's own double entry."""
        path = f"/books/{self.realm}/positions?limit=100000"
        positions = sandbox.control("GET", path)["positions"]
        return bool(positions) and all(position["isBalanced"] for position in positions)


def applies(document, amount):
    line = PaymentLine()
    line.Amount = Decimal(amount)
    line.LinkedTxn = [document.to_linked_txn()]
    return line


def reference(value):
    ref = Ref()
    ref.value = value
    return ref
