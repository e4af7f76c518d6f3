"""A practitioner's calendar application on Debian's python3-caldav: one JSON command a line in, one JSON answer a line out."""

import json
import sys
from datetime import datetime, timezone

import caldav
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry

url, username, password, path = sys.argv[1:5]
client = caldav.DAVClient(url=url, username=username, password=password)
# Some servers close a connection without saying so, and read nothing of what comes then.
again = Retry(total=3, read=3, redirect=0, status=0, allowed_methods=False)
client.session.mount("http://", HTTPAdapter(max_retries=again))
calendar = caldav.Calendar(client=client, url=client.url.join(path))


def milliseconds(moment):
    return round(moment.timestamp() * 1000)


def moment(value):
    return datetime.fromtimestamp(value / 1000, timezone.utc)


def vevent(event):
    return event.vobject_instance.vevent


def shown(event):
    it = vevent(event)
    return {
        "id": it.uid.value,
        "start": milliseconds(it.dtstart.value),
        "end": milliseconds(it.dtend.value),
        "title": it.summary.value,
    }


def entries(_):
    return [shown(event) for event in calendar.events()]


def create(command):
    event = calendar.save_event(dtstart=moment(command["start"]), dtend=moment(command["end"]), summary=command["title"])
    return shown(event)["id"]


def found(command):
    return calendar.event_by_uid(command["id"])


def move(command):
    event = found(command)
    it = vevent(event)
    for line, value in (("dtstart", command["start"]), ("dtend", command["end"])):
        zone = getattr(it, line).value.tzinfo
        getattr(it, line).value = moment(value).astimezone(zone)
    event.save()


def retitle(command):
    event = found(command)
    vevent(event).summary.value = command["title"]
    event.save()


def remove(command):
    found(command).delete()


commands = {"entries": entries, "create": create, "move": move, "retitle": retitle, "remove": remove}
for line in sys.stdin:
    command = json.loads(line)
    try:
        answer = {"answer": commands[command["do"]](command)}
    except Exception as error:  # The test says what went wrong.
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(answer), flush=True)
