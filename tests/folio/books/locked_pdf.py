"""A PDF of text at places, locked by a password: what a registrar sends, made here for tests.

The lock is the standard security handler of 40 bits (PDF 1.4, section 3.5), the smallest that asks for one.
"""

import hashlib
from collections.abc import Iterator, Sequence

PAD = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
PERMISSIONS = (-4).to_bytes(4, "little", signed=True)
FILE_ID = b"folio-test-file-"
POINTS = 8
WIDTHS = {".": 0.278, ",": 0.278, "-": 0.333, "(": 0.333, ")": 0.333}

Text = tuple[float, float, str]
"""Left edge, height of the line from the bottom, words."""


def right(edge: float, height: float, words: str) -> Text:
    """A figure that ends at an edge: digits of Helvetica are all of one width."""
    width = sum(WIDTHS.get(sign, 0.556) for sign in words) * POINTS
    return (edge - width, height, words)


def rc4(key: bytes, data: bytes) -> bytes:
    """Data under the stream cipher RC4, which is its own inverse."""
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


def locked_pdf(words: Sequence[Text], password: str) -> bytes:
    """A page of words that opens with a password only."""
    padded = (password.encode("latin-1") + PAD)[:32]
    owner = rc4(hashlib.md5(padded).digest()[:5], padded)
    key = hashlib.md5(padded + owner + PERMISSIONS + FILE_ID).digest()[:5]
    own_key = hashlib.md5(key + (4).to_bytes(3, "little") + bytes(2)).digest()[:10]
    content = rc4(own_key, "\n".join(_shown(words)).encode("latin-1"))
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 842]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%b\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
        b"<</Filter/Standard/V 1/R 2/O<%b>/U<%b>/P -4>>"
        % (owner.hex().encode(), rc4(key, PAD).hex().encode()),
    ]
    body, places = bytearray(b"%PDF-1.4\n"), []
    for number, one in enumerate(objects, start=1):
        places.append(len(body))
        body += b"%d 0 obj%b endobj\n" % (number, one)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    body += b"".join(b"%010d 00000 n \n" % place for place in places)
    body += b"trailer<</Size %d/Root 1 0 R/Encrypt 6 0 R/ID[<%b><%b>]>>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1, FILE_ID.hex().encode(), FILE_ID.hex().encode(), start,
    )  # fmt: skip
    return bytes(body)


def _shown(words: Sequence[Text]) -> Iterator[str]:
    for left, height, text in words:
        safe = text.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
        yield f"BT /F {POINTS} Tf {left:.2f} {height:.2f} Td ({safe}) Tj ET"
