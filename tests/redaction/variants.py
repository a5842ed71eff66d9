"""Secrets as they turn up in texts: each row is a text, and what of it must not survive."""

from __future__ import annotations

import base64
import html
import json
import urllib.parse
from collections.abc import Iterator
from typing import Final

Row = tuple[str, str]

PASSWORD: Final = "hunter2-Zq9"
CARDS: Final = (
    "4242424242424242", "5555555555554444", "2223003122003222", "378282246310005", "6011111111111117",
    "30569309025904", "3566002020360505", "6200000000000005", "6759649826438453", "5018000000000009",
    "2200000000000004", "4222222222222", "6212345678901232", "3530111333300000", "5200828282828210",
    "4000000000000000006", "6304000000000000", "5060990580000217499",
)  # fmt: skip
SEPARATORS: Final = (
    " ", "-", ".", "/", "_", "\t", "  ", " - ", "\x00", "\u00a0", "\u2009", "\u202f", "\u2007", "\u3000", "\u200b",
    "\u00ad", "\u2060", "\u2010", "\u2011", "\u2012", "\u2013", "\u2014", "\u2212", "\uff0d", "\u00b7",
    "\u2022", "\u2044", "\uff0f", "\u115f", "\u180b", "\u206f", "\u23af", "\u2500", "\u2800", "\u3164", "\ufe0f",
    "\U000e0020", "=", "'", "\u2019", ",", ":", ";", "|", "*", "+",
)  # fmt: skip
DIGITS: Final = {
    "fullwidth": 0xFF10, "Arabic-Indic": 0x660, "Persian": 0x6F0, "Devanagari": 0x966, "Bengali": 0x9E6, "Tamil": 0xBE6,
    "Thai": 0xE50, "N'Ko": 0x7C0, "Khmer": 0x17E0, "Mathematical bold": 0x1D7CE, "Adlam": 0x1E950,
}  # fmt: skip
# Where a card number stands, and what stands beside it.
BESIDE_CARDS: Final = (
    "{}", "card {}", "{} was declined", "qty 2 {}", "2 {}", "{} 123", "{} 12/28", "{} 12/28 123", "12/28 {}",
    "order 7: {}, 3 times", "1000 XOF from {}", "#{}#", "({})", "<{}>", "card={}&x=1", "{}.", "{},{}", "x\n{}\ny",
    "x\\n{}\\ny", "x\\\\n{}", "x%0A{}%0A", "x\\u000a{}", '{{"n": "{}"}}', '{{\\"n\\": \\"{}\\"}}',
    '{{\\\\\\"n\\\\\\": \\\\\\"{}\\\\\\"}}', "[1, {}, 2]", "card{}", "PAN{}end", "no.{}", "card_{}", "pay-{}",
    "id:{}", "request_id={}", "2026-11-21 18:31:24 {}", "10.0.0.1 {} 200", "/pay/{}/now", "0 {} 0", "4242 {}",
    "%20{}%20", "&nbsp;{}&nbsp;", "${}", "{}€", "номер{}", "卡号{}", "Decimal('{}')", "{}.0", "{}L",
)  # fmt: skip
GROUPINGS: Final = {
    16: (
        (4, 4, 4, 4),
        (8, 8),
        (4, 6, 6),
        (6, 10),
        (4, 12),
        (12, 4),
        (2,) * 8,
        (1,) * 16,
        (6, 4, 6),
        (5, 5, 6),
        (4, 4, 8),
    ),
    15: ((4, 6, 5), (5, 5, 5), (3,) * 5, (4, 4, 4, 3)),
    14: ((4, 6, 4), (2,) * 7),
    19: ((4, 4, 4, 4, 3), (6, 13)),
}
SECRET_NAMES: Final = (
    "password passwd pwd passphrase pass db_password DB_PASSWORD dbPassword db-password db.password PGPASSWORD "
    "MYSQL_PWD new_password password2 password_hash passwordConfirmation userPass secret secret_key SECRET_KEY "
    "client_secret clientSecret webhook_secret aws_secret_access_key token access_token refresh_token "
    "refreshToken id_token auth_token csrf_token X-Auth-Token api_key api-key apiKey apikey API_KEY X-Api-Key "
    "x-api-key MOLAM_API_KEY private_key signing_key encryption_key auth Authorization Proxy-Authorization "
    "credentials cookie session session_key sessionid PHPSESSID card_cvc cvc cvv CVV2 cvn security_code pin PIN "
    "pin_block pinBlock otp otp_code totp signature X-Molam-Signature hmac jwt iban card_number cardNumber pan "
    "track2 mnemonic recovery_codes MOLAM_JOURNAL_KEY journal_key fernetKey hmac_key ssh_key webhook_key AccountKey "
    "Ocp-Apim-Subscription-Key db_pw mpin sms_code secret_id id_token_hint"
).split()
# How a name and its value are written.
ASSIGNMENTS: Final = (
    "{n}={v}", "{n}: {v}", "{n}:{v}", "{n} = {v}", "x=1 {n}={v} y=2", "?x=1&{n}={v}&y=2", '"{n}": "{v}"',
    "'{n}': '{v}'", "{n}='{v}'", '{{"x": 1, "{n}":"{v}", "y": 2}}', '{{\\"{n}\\": \\"{v}\\"}}',
    '{{\\\\\\"{n}\\\\\\":\\\\\\"{v}\\\\\\"}}', "b'{n}': b'{v}'", "{n} => {v}", "{n}%3D{v}%26y%3D2",
    "%22{n}%22%3A%22{v}%22", "&quot;{n}&quot;:&quot;{v}&quot;", "\\n{n}: {v}\\r\\n", "<{n}>{v}</{n}>",
    "export {n}={v};", "('{n}', '{v}')", "form[{n}]={v}", "Card({n}='{v}', n=1)", "{n}:\t{v}", "{n}: \"{v}",
    "name={n}, value={v}",
)  # fmt: skip
KEYS: Final = (
    "sk_live_51Habcdefghij", "sk_test_4eC39HqLyjWDarjtT1", "sk_abcdef123456", "rk_live_51Habcdefghij",
    "pk_live_51Habcdefghij", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "jwt_eyJhbGciOi.J9.x-y_z",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "github_pat_11ABCDEFG0abcdefghijklmnop",
    "glpat-abcdefghij0123456789", "AKIAIOSFODNN7EXAMPLE", "xoxb-123456789012-abcdefabcdef",
    "xapp-1-A012-345-abcdef", "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "SG.ngeVfQFYQlKU0ufo8x5d1A.TwL2iGABf9DHoTf09kqeF8tAmbihYz", "SK" + "0123456789abcdef" * 2,
    "hvs.CAESIJ1234567890abcdefgh", "npm_abcdefghijklmnopqrstuvwxyz0123456789", "pypi-AgEIcHlwaS5vcmcabcdef",
    "sk-proj-abcdefghij0123456789", "dop_v1_" + "0123456789abcdef" * 4, "shpat_" + "0123456789abcdef" * 2,
    "FLWSECK_TEST-abcdef123456-X", "key-" + "0123456789abcdef" * 2, "hf_abcdefghijklmnopqrstuvwxyzABCDEF",
    "ya29.a0AfH6SMBxabcdefghij", "GOCSPX-abcdefghijklmnop12",
)  # fmt: skip
BESIDE_KEYS: Final = (
    "{}",
    "key {} was refused",
    '"{}"',
    "a={}&b=1",
    "\\n{}",
    "%0A{}",
    "[{}]",
    "id:{}",
    "my_{}",
    "Key({})",
    "https://x/?k={}",
)
_BASIC: Final = base64.b64encode(b"shop:hunter2").decode()
_PADDED: Final = base64.b64encode(b"shop:hunter2-long").decode()  # ends with one "=", which looks like an assignment
# What is like nothing else, as (text, what must go).
OTHERS: Final[tuple[Row, ...]] = (
    ("Authorization: Bearer abcdef123456", "abcdef123456"),
    ("Authorization: bearer\tabcdef123456", "abcdef123456"),
    (f"Authorization: Basic {_BASIC}", _BASIC),
    (f"Authorization: Basic\t{_BASIC}", _BASIC),
    (f"Basic\t{_BASIC}", _BASIC),
    (f"authorization:basic {_BASIC}", _BASIC),
    ('Authorization: Digest username="shop", realm="r", response="6629fae49393a053"', "6629fae49393a053"),
    ("Authorization: AWS4-HMAC-SHA256 Credential=AKI/2026, Signature=fe5f80f77d5fa3be", "fe5f80f77d5fa3be"),
    ("Authorization: abcdef", "abcdef"),
    ('{"headers": {"Authorization": ["Bearer abcdef123456"]}}', "abcdef123456"),
    ("curl -H 'Authorization: Bearer abcdef123456' https://x", "abcdef123456"),
    ("[(b'host', b'x'), (b'authorization', b'Bearer abcdef123456')]", "abcdef123456"),
    ("[[b'authorization', b'Token abcdef']]", "abcdef"),
    ("Bearer%20abcdef123456", "abcdef123456"),
    ("Cookie: theme=dark; sessionid=abcdef; x=hunter2", "hunter2"),
    ("Set-Cookie: sid=hunter2; Path=/; HttpOnly", "hunter2"),
    ("cookie: a=hunter2\r\nHost: x", "hunter2"),
    ("{'Cookie': 'a=b; c=hunter2'}", "hunter2"),
    ("Host: x\\r\\nCookie: a=hunter2\\r\\n", "hunter2"),
    ("postgres://shop:hunter2@db:5432/shop", "hunter2"),
    ("postgresql+psycopg://shop:hun@ter2@db/shop", "ter2"),
    ("redis://:hunter2@cache:6379/0", "hunter2"),
    ("amqp://shop:hunter2@mq", "hunter2"),
    ("https://shop:hunter2@api.example/v1?x=1", "hunter2"),
    ("http:\\/\\/shop:hunter2@proxy:3128", "hunter2"),
    ("url=postgres%3A%2F%2Fshop%3Ahunter2%40db", "hunter2"),
    ("https://0123456789abcdef0123456789abcdef@sentry.example/1", "0123456789abcdef0123456789abcdef"),
    ("connecting to shop:hunter2@db:5432", "hunter2"),
    ("shop:hunter2@db.internal", "hunter2"),
    ("user:pw@host", "pw"),
    ("user:hunter2@db.example.com:5432", "hunter2"),
    ("curl -u shop:hunter2 https://x", "hunter2"),
    ("curl --user shop:hunter2 https://x", "hunter2"),
    ("mysqldump --password hunter2 shop", "hunter2"),
    ("mysqldump --password=hunter2 shop", "hunter2"),
    ("deploy --api-key 'hun ter2' --now", "ter2"),
    ("['deploy', '--api-key', 'hunter2']", "hunter2"),
    ('["deploy", "--token", "hunter2"]', "hunter2"),
    ("keytool -storepass hunter2 -list", "hunter2"),
    ("java -Dssl.keyStorePassword=hunter2", "hunter2"),
    ("ALTER ROLE shop WITH PASSWORD 'hunter2'", "hunter2"),
    ("CREATE USER shop IDENTIFIED BY 'hunter2'", "hunter2"),
    ("- name: DB_PASSWORD\n  value: hunter2", "hunter2"),
    ('{"name": "password", "value": "hunter2"}', "hunter2"),
    ('<add key="Password" value="hunter2"/>', "hunter2"),
    ("<ns:password type='x'>hunter2</ns:password>", "hunter2"),
    ("<password><![CDATA[hunter2]]></password>", "hunter2"),
    ("password: [hunter2, other]", "other"),
    ('"password": {"old": "hunter2"}', "hunter2"),
    ('"password": "hun\\"ter2", "x": 1', "ter2"),
    ("password='hun\\'ter2' x", "ter2"),
    ('{"password": "hunter2 is cut o', "hunter2"),
    ("password=secret", "=secret"),
    ('"password": "hidden"', "hidden"),
    ("password=hun,ter2", "ter2"),
    ("password=it's2", "s2"),
    ("password=p(a)ss2 x", "ss2"),
    ("password is hunter2", "hunter2"),
    ("the api key: hunter2", "hunter2"),
    ("card number = hunter2", "hunter2"),
    ("Your OTP is 493817", "493817"),
    ("PIN 4938 was wrong", "4938"),
    ("CVV 493", "493"),
    ("cvc=493", "493"),
    ('"pin":4938,"x":1', "4938"),
    ("{'cvc': 493}", "493"),
    ("t=1700000000,v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd", "5257a869e7ecebeda"),
    ("-----BEGIN RSA PRIVATE KEY-----\nMIIhunter2\n-----END RSA PRIVATE KEY-----", "MIIhunter2"),
    ("-----BEGIN PRIVATE KEY-----\\nMIIhunter2\\n-----END PRIVATE KEY-----\\n", "MIIhunter2"),
    ("-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2 cut o", "hunter2"),
    ("%B4242424242424242^DOE/JOHN^28121010000000493000?", "0000000493"),
    (";4242424242424242=28121010000000493000?", "0000000493"),
    ("4242424242424242D28121010000000493000", "4242424242424242"),
    ("4242\\u00a04242\\u00a04242\\u00a04242", "4242\\u00a04242\\u00a04242\\u00a04242"),
    ("4242\\xa04242\\xa04242\\xa04242", "4242\\xa04242\\xa04242\\xa04242"),
    ("4242%204242%204242%204242", "4242%204242%204242%204242"),
    ("4242%C2%A04242%C2%A04242%C2%A04242", "4242%C2%A04242%C2%A04242%C2%A04242"),
    ("4242&nbsp;4242&nbsp;4242&nbsp;4242", "4242&nbsp;4242&nbsp;4242&nbsp;4242"),
    ("4242\\t4242\\t4242\\t4242", "4242\\t4242\\t4242\\t4242"),
    ("4242424242424242exp1228", "4242424242424242"),
    ("4242424242424242|12|28|493", "4242424242424242"),
    ("pan=4242 4242 4242 4242", "4242 4242 4242 4242"),
    ("card number: 4242 4242 4242 4241", "4242 4242 4242 4241"),
    ("iban: FR76 3000 6000 0112 3456 7890 189", "FR76 3000 6000 0112 3456 7890 189"),
    ("token: hunter was refused", "hunter"),
    ("session: hunter", "hunter"),
    ("passphrase: correct horse battery staple", "battery"),
    ("password: |\n  hunter2\n  other\nuser: bob", "other"),
    ("mot de passe: hunter2", "hunter2"),
    ("mdp=hunter2", "hunter2"),
    ("[password] => hunter2", "hunter2"),
    (':password=>"hunter2"', "hunter2"),
    ("{User:bob Password:hunter2 Token:abcdef}", "abcdef"),
    ("password[0]=hunter2", "hunter2"),
    ("bearer: hunter2", "hunter2"),
    ('Content-Disposition: form-data; name="password"\r\n\r\nhunter2\r\n--x', "hunter2"),
    ("4242 4242-4242.4242", "4242 4242-4242.4242"),
    ("42 4242 42424 24242", "42 4242 42424 24242"),
    ("4,242,424,242,424,242", "4,242,424,242,424,242"),
    ("4 242 424 242 424 242", "4 242 424 242 424 242"),
    ("4'242'424'242'424'242", "4'242'424'242'424'242"),
    ('Authorization: Token token="abcdef123456"', "abcdef123456"),
    ("Authorization: Key abcdef123456", "abcdef123456"),
    ("Authorization: Bot abcdef123456", "abcdef123456"),
    ("Bearer\nabcdef123456", "abcdef123456"),
    ("Bearer\\nabcdef123456", "abcdef123456"),
    ("Authorization: Bearer \\\nabcdef123456", "abcdef123456"),
    (f"'Basic {_PADDED}'", _PADDED),
    (f"b'Basic {_PADDED}'", _PADDED),
    ("\x1b[31msk_live_51HabcDEFghij90\x1b[0m", "51HabcDEFghij90"),
    ("KEYsk_live_51HabcDEFghij90", "51HabcDEFghij90"),
    ("prefixwhsec_MfKQ9r8GKYqrTwjUPD8", "MfKQ9r8GKYqrTwjUPD8"),
    ("sk_live_\n51HabcDEFghij90", "51HabcDEFghij90"),
    ("sk_live_51Habc\nDEFghij90xyz", "DEFghij90xyz"),
    ("sk_live_51Habc\\nDEFghij90xyz", "DEFghij90xyz"),
    ("-----BEGIN%20PRIVATE%20KEY-----%0AMIIhunter2%0A-----END%20PRIVATE%20KEY-----", "MIIhunter2"),
    ("-----BEGIN+RSA+PRIVATE+KEY-----%0AMIIhunter2%0A-----END+RSA+PRIVATE+KEY-----", "MIIhunter2"),
    ("password=SecretStr('hunter2')", "hunter2"),
    ("{'cvc': Decimal('493')}", "493"),
    ("connect.sid=hunter2", "hunter2"),
    ("ASP.NET_SessionId=hunter2", "hunter2"),
    ("verification_code=hunter2", "hunter2"),
)  # fmt: skip


def grouped(digits: str, sizes: tuple[int, ...], separator: str) -> str:
    """The digits in groups of these sizes."""
    ends = [sum(sizes[: count + 1]) for count in range(len(sizes))]
    return separator.join(digits[end - size : end] for size, end in zip(sizes, ends, strict=True))


def card_rows() -> Iterator[Row]:
    card = CARDS[0]
    yield from ((f"paid with {each} today", each) for each in CARDS)
    yield from ((text.replace("{}", card).replace("{{", "{").replace("}}", "}"), card) for text in BESIDE_CARDS)
    for shown in (grouped(card, (4, 4, 4, 4), separator) for separator in SEPARATORS):
        yield f"paid with {shown} today", shown
        yield f"qty 2; {shown}; 12/28", shown
    for length, groupings in GROUPINGS.items():
        digits = next(each for each in CARDS if len(each) == length)
        for sizes in groupings:
            shown = grouped(digits, sizes, " ")
            yield f"card: {shown}", shown
            shown = grouped(digits, sizes, "-")
            yield f"card: {shown}, twice", shown
    for zero in DIGITS.values():
        shown = "".join(chr(zero + int(digit)) for digit in card)
        yield shown, shown
        shown = grouped(shown, (4, 4, 4, 4), " ")
        yield f"qty 2 {shown} 123", shown


def named_rows() -> Iterator[Row]:
    yield from ((ASSIGNMENTS[0].format(n=name, v=PASSWORD), PASSWORD) for name in SECRET_NAMES)
    for form in ASSIGNMENTS[1:]:
        for name in SECRET_NAMES:
            yield form.format(n=name, v=PASSWORD), PASSWORD


def key_rows() -> Iterator[Row]:
    yield from ((form.format(key), key) for key in KEYS for form in BESIDE_KEYS)


def encoded_rows() -> Iterator[Row]:
    """Whole documents, as they are quoted into other texts."""
    for value in (PASSWORD, "hun ter/2"):
        document = json.dumps({"user": "bob", "password": value, "card": {"number": CARDS[0]}})
        once = json.dumps({"body": document})
        shown = (repr(document), repr(once), str(json.loads(document)), repr(document.encode()))
        for text in (document, once, json.dumps(once), *shown, urllib.parse.quote(document), html.escape(document)):
            yield text, value if value in text else urllib.parse.quote(value)
            yield text, CARDS[0]
        form = urllib.parse.urlencode({"password": value, "n": CARDS[0]})
        yield form, urllib.parse.quote_plus(value)
        yield form, CARDS[0]


def rows() -> list[Row]:
    """All of them."""
    return [*card_rows(), *named_rows(), *key_rows(), *encoded_rows(), *OTHERS]
