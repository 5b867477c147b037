"""Letters to voters and applicants: what waits in the outbox, and the courier that hands it over.

    outbox = Outbox(settings.outbox, vault)
    courier = Courier(outbox, open_senders(settings))       # `courier.run` goes with the application
    outbox.put(Message(name, "mail", address, "access-link", {"url": url, "election": name, "until": time}))
    outbox.sync()                                           # from here on it is not lost
    courier.wake()                                          # after the commit that makes the message true

Templates are entries of ``vemre/messages/letters.toml``; `vemre.service.delivery.letters` says which there are and
what they need. Documented in docs/delivery.md.
"""

from vemre.service.delivery.courier import Courier, Delivered
from vemre.service.delivery.message import Channel, Message, name_of
from vemre.service.delivery.outbox import Outbox, Waiting
from vemre.service.delivery.senders import open_senders
from vemre.service.delivery.settings import DeliverySettings

__all__ = [
    "Channel",
    "Courier",
    "Delivered",
    "DeliverySettings",
    "Message",
    "Outbox",
    "Waiting",
    "name_of",
    "open_senders",
]
