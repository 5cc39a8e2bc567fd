"""Documents of XML: questions, tests, answer keys and answers, good ones and what becomes of them."""

from __future__ import annotations

from documented import ANSWER_KEY, FORM
from fuzzing import values
from support import QUESTION

HTML = (
    '<HTMLQuestion xmlns="http://mechanicalturk.amazonaws.com/AWSMechanicalTurkDataSchemas/2011-11-11/HTMLQuestion.xsd">'
    "<HTMLContent><![CDATA[<!DOCTYPE html><html><body><form>&nbsp;</form></body></html>]]></HTMLContent>"
    "<FrameHeight>450</FrameHeight></HTMLQuestion>"
)
ANSWERS = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n<QuestionFormAnswers xmlns="http://mechanicalturk.'
    'amazonaws.com/AWSMechanicalTurkDataSchemas/2005-10-01/QuestionFormAnswers.xsd">\n<Answer><QuestionIdentifier>q1'
    "</QuestionIdentifier><FreeText>seven|eight</FreeText></Answer>\n<Answer><QuestionIdentifier>q2"
    "</QuestionIdentifier><SelectionIdentifier>a</SelectionIdentifier></Answer>\n</QuestionFormAnswers>\n"
)
GOOD = (QUESTION, HTML, FORM, ANSWER_KEY, ANSWERS)
BY_NAME = {"Question": (QUESTION, HTML, FORM), "Test": (FORM,), "AnswerKey": (ANSWER_KEY,)}
"""The good ones that the parameter of a name takes."""
_BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + "".join(
    f'<!ENTITY {after} "{f"&{before};" * 10}">' for before, after in zip("abcdefgh", "bcdefghi", strict=True)
)
_PIECES = (
    "<!DOCTYPE x>",
    '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    f"{_BOMB}]>",
    "&i;",
    "<?xml version='1.0' encoding='UTF-16'?>",
    "<?xml version='1.1'?>",
    "<?php echo 1 ?>",
    "<!-- - - -->",
    "<![CDATA[",
    "]]>",
    "&#0;",
    "&#x1F600;",
    "&#xD800;",
    "&nbsp;",
    'xmlns:a="urn:a"',
    'xmlns=""',
    "<a:b/>",
    "<x xsi:schemaLocation='urn:x http://127.0.0.1:9/x.xsd' xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance'/>",
    "<FormattedContent><![CDATA[<p onclick='x'>&eacute;<script/></p>]]></FormattedContent>",
    "<Text>&amp;amp;</Text>",
    "<Length minLength='99999999999999999999' maxLength='-1'/>",
    "<AnswerFormatRegex regex='(a+)+$' errorText='x' flags='i'/>",
    "<SummedScoreMultiplier>1e400</SummedScoreMultiplier>",
    "<DefaultScore>" + "9" * 30 + "</DefaultScore>",
    "\0",
    "\ud7ff\ufffd",
)


def document(chance, good=GOOD):
    """A document that a parameter of the API may carry: good, mutated, or nothing of the kind."""
    if chance.careful:
        return chance.choice(good)
    drawn = chance.random()
    good = chance.choice(GOOD if chance.random() < 0.2 else good)
    if drawn < 0.35:
        return good
    if drawn < 0.4:
        depth = chance.choice((10, 200, 300, 5_000))
        return "<x>" * depth + "</x>" * depth
    if drawn < 0.42:
        return good.replace(">", f" {'a' * chance.choice((10, 5_000))}='{'b' * chance.choice((10, 20_000))}'>", 1)
    if drawn < 0.45:
        return values.hostile(chance)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 8))):
        good = _mutated(chance, good)
    return good


def _mutated(chance, text):
    place = chance.randrange(len(text) + 1)
    other = chance.randrange(len(text) + 1)
    start, end = sorted((place, other))
    match chance.randrange(7):
        case 0:
            return text[:place] + chance.choice(_PIECES) + text[place:]
        case 1:
            return text[:start] + text[end:] if chance.random() < 0.3 else text[:place] + text[place + 1 :]
        case 2:
            # A whole element twice, or elsewhere.
            parts = text.split("<")
            part = chance.randrange(len(parts))
            return "<".join([*parts[:part], *parts[part : part + 2] * 2, *parts[part + 2 :]])
        case 3:
            number = chance.choice(("450", "1", "0", "60", "2005-10-01", "2006-07-14"))
            return text.replace(number, values.number(chance), 1)
        case 4:
            return text[:place] + values.hostile(chance) + text[place:]
        case 5:
            return text.replace("http", chance.choice(("javascript", "HTTP", "file", "http://[", "https://\u00e9")), 1)
        case _:
            return text[:place] + chr(chance.randrange(1, 128)) + text[place + 1 :]


def encoded(chance):
    """The bytes of a document, in the encoding that it declares or in another."""
    text = document(chance)
    encoding = chance.choice(("utf-8",) * 12 + ("utf-16", "utf-16-le", "latin-1", "utf-32", "utf-7", "cp037"))
    if chance.random() < 0.1:
        text = (
            f"<?xml version='1.0' encoding='{chance.choice((encoding, 'utf-8', 'x-nothing', 'ebcdic-cp-us'))}'?>{text}"
        )
    data = bytearray(text.encode(encoding, "xmlcharrefreplace" if encoding != "utf-8" else "replace"))
    if data and chance.random() < 0.1:
        data[chance.randrange(len(data))] = chance.randrange(256)
    return bytes(data)
