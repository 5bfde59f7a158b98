"""Intuit's own OAuth client against the sandbox: connecting, refreshing, rotating, revoking."""

from urllib.parse import parse_qs, urlsplit

import requests
from intuitlib.enums import Scopes
from intuitlib.exceptions import AuthClientError
from quickbooks.exceptions import AuthorizationException
from quickbooks.objects import Customer

import books
from sandbox import case, control, equal, raises, run_cases

DAY_MS = 86_400_000


def visit(url):
    """What a browser would be sent to."""
    reply = requests.get(url, allow_redirects=False, timeout=30)
    equal(reply.status_code, 302)
    return {name: values[0] for name, values in parse_qs(urlsplit(reply.headers["Location"]).query).items()}


def connect(company, *scopes, **more):
    """Walks through the authorize page and exchanges the code."""
    control("PATCH", "/settings", {"consent": {"realm": company.realm, "denies": False}})
    auth = books.auth_client(**more)
    answer = visit(auth.get_authorization_url(list(scopes or [Scopes.ACCOUNTING])))
    equal(answer["state"], auth.state_token)
    equal(answer["realmId"], company.realm)
    auth.get_bearer_token(answer["code"], realm_id=answer["realmId"])
    return auth, answer["code"]


@case
def the_discovery_document_leads_everywhere():
    books.Company()
    auth = books.auth_client()
    for endpoint in (auth.auth_endpoint, auth.token_endpoint, auth.revoke_endpoint, auth.user_info_url):
        equal(endpoint.split("/")[2], auth.issuer_uri.split("/")[2])
    equal(requests.get(auth.jwks_uri, timeout=30).json(), {"keys": []})


@case
def a_person_connects_and_the_tokens_work():
    company = books.Company()
    auth, code = connect(company)
    equal(auth.expires_in, 3600)
    equal(auth.x_refresh_token_expires_in, 8_726_400)
    qb = company.client(auth.access_token, auth.refresh_token)
    equal(Customer.all(qb=qb), [])
    error = raises(AuthClientError, auth.get_bearer_token, code)
    equal(error.status_code, 400)
    raises(AuthorizationException, Customer.all, qb=qb, code=401)


@case
def the_person_may_say_no():
    company = books.Company()
    control("PATCH", "/settings", {"consent": {"denies": True, "realm": company.realm}})
    auth = books.auth_client()
    answer = visit(auth.get_authorization_url([Scopes.ACCOUNTING]))
    equal(answer, {"error": "access_denied", "state": auth.state_token})


@case
def a_wrong_redirect_is_not_followed():
    company = books.Company()
    control("POST", "/clients", {
        "clientId": books.CLIENT[0], "clientSecret": books.CLIENT[1],
        "redirectUris": ["http://localhost:8000/callback"],
    })
    connect(company)
    auth = books.auth_client()
    auth.redirect_uri = "http://evil.test/"
    reply = requests.get(auth.get_authorization_url([Scopes.ACCOUNTING]), allow_redirects=False, timeout=30)
    equal(reply.status_code, 400)


@case
def scopes_decide_what_a_token_opens():
    company = books.Company()
    auth, _ = connect(company, Scopes.OPENID, Scopes.EMAIL)
    equal(auth.get_user_info().json()["email"], "owner@example.com")
    qb = company.client(auth.access_token, auth.refresh_token)
    raises(Exception, Customer.all, qb=qb)
    auth, _ = connect(company)
    equal(raises(AuthClientError, auth.get_user_info).status_code, 401)


@case
def a_refresh_token_changes_once_a_day_and_the_old_one_dies():
    company = books.Company()
    auth, _ = connect(company)
    first = auth.refresh_token
    auth.refresh()
    equal(auth.refresh_token, first)
    control("POST", "/clock", {"advanceMs": DAY_MS})
    auth.refresh()
    second = auth.refresh_token
    assert second != first
    error = raises(AuthClientError, auth.refresh, refresh_token=first)
    equal((error.status_code, b"invalid_grant" in error.content), (400, True))
    auth.refresh(refresh_token=second)


@case
def reuse_detection_ends_the_whole_consent():
    company = books.Company()
    control("PATCH", "/settings", {"tokens": {"rotation": "always", "reuseDetection": True}})
    auth, _ = connect(company)
    first = auth.refresh_token
    auth.refresh()
    second = auth.refresh_token
    raises(AuthClientError, auth.refresh, refresh_token=first)
    raises(AuthClientError, auth.refresh, refresh_token=second)
    control("PATCH", "/settings", {"tokens": {"rotation": "24h", "reuseDetection": False}})


@case
def a_refresh_token_lives_a_hundred_days_and_a_consent_five_years():
    company = books.Company()
    auth, _ = connect(company)
    control("POST", "/clock", {"advanceMs": 102 * DAY_MS})
    raises(AuthClientError, auth.refresh)
    auth, _ = connect(company)
    form = {"grant_type": "refresh_token", "refresh_token": auth.refresh_token}
    header = {"x-include-refresh-token-hard-expires-in": "true"}
    reply = requests.post(auth.token_endpoint, data=form, headers=header, auth=books.CLIENT, timeout=30)
    assert 157_000_000 < reply.json()["x_refresh_token_hard_expires_in"] <= 157_680_000
    for _ in range(18):
        control("POST", "/clock", {"advanceMs": 99 * DAY_MS})
        auth.refresh()
    control("POST", "/clock", {"advanceMs": 50 * DAY_MS})
    raises(AuthClientError, auth.refresh)


@case
def revoking_ends_the_consent():
    company = books.Company()
    auth, _ = connect(company)
    qb = company.client(auth.access_token, auth.refresh_token)
    Customer.all(qb=qb)
    equal(auth.revoke(), True)
    raises(AuthorizationException, Customer.all, qb=qb, code=401)
    raises(AuthClientError, auth.refresh)
    raises(AuthClientError, auth.revoke, token="never-issued")


@case
def a_wrong_secret_is_our_own_mistake():
    company = books.Company()
    auth, _ = connect(company)
    auth.client_secret = "wrong"
    error = raises(AuthClientError, auth.refresh)
    equal((error.status_code, b"invalid_client" in error.content), (401, True))


run_cases()
